import type { BrokerStatus } from '../brokers/broker.js'
import type { LimitCounters } from '../limits/limit-counters.js'
import type { Traffic } from '../metrics/traffic.js'
import type { MembershipOptions } from './membership.js'

/** Settings of a `Hub`. */
export interface HubOptions extends Omit<MembershipOptions, 'traffic'> {
  /** The counters of the messenger. Default: new ones. */
  readonly traffic?: Traffic | undefined
  /** Occupied channels on this instance. */
  readonly maxChannels: number
  /** Counts the limits that were hit. */
  readonly counters: LimitCounters
  /** Called with each announcement, this instance's own included; possibly several times with the same one. */
  readonly onAnnouncement: (text: string) => void
  /** Called when the status of the broker has changed. */
  readonly onStatus: (status: BrokerStatus) => void
  /** Called with a line for the log. */
  readonly onLog: (level: 'info' | 'warn' | 'error', text: string) => void
  /** Called with unforeseen errors. Default: a warning of the process. */
  readonly onError?: (error: unknown) => void
  /** Time limit for closing in milliseconds. */
  readonly drainMs: number
}
