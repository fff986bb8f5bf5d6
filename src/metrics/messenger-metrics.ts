import { totalmem } from 'node:os'
import type { LimitCounters } from '../limits/limit-counters.js'
import { LIMITS } from '../limits/limit-counters.js'
import { distribution, type FamilyReader, labelled, single } from './family.js'
import type { Traffic } from './traffic.js'

const MICROSECONDS = 1_000_000
const SECOND_MS = 1_000

/** Sizes of a messenger that are known at any time. */
export interface Sizes {
  readonly channels: number
  readonly subscriptions: number
  readonly historyBytes: number
  /** Whether the engine can be used. */
  readonly ready: boolean
}

/** The metrics of one messenger. What is read costs the same for any number of connections and channels. */
export function messengerMetrics (traffic: Traffic, limits: LimitCounters, sizes: () => Sizes): FamilyReader[] {
  const hits = { entries: () => new Map(LIMITS.map((name) => [name, limits.get(name)])).entries() }
  return [
    labelled('gauge', { name: 'messenger_connections', help: 'Open connections of subscribers on this instance.' }, 'transport', traffic.connections),
    single('gauge', { name: 'messenger_channels', help: 'Channels with subscribers on this instance.' }, () => sizes().channels),
    single('gauge', { name: 'messenger_subscriptions', help: 'Subscriptions on this instance: the channels of all connections.' }, () => sizes().subscriptions),
    single('counter', { name: 'messenger_published_total', help: 'Messages that this instance has put into a log.' }, () => traffic.published),
    single('counter', { name: 'messenger_delivered_total', help: 'Messages written to subscribers, replays and answers included.' }, () => traffic.delivered),
    single('counter', { name: 'messenger_delivered_bytes_total', help: 'Bytes of these messages as they were written.' }, () => traffic.deliveredBytes),
    labelled('counter', { name: 'messenger_gaps_total', help: 'Gaps of subscribers: messages that they missed and could not be given.' }, 'reason', traffic.gaps),
    labelled('counter', { name: 'messenger_resumes_total', help: 'Subscriptions and reads after an id, by whether all messages since were there.' }, 'recovered', traffic.resumes),
    labelled('counter', { name: 'messenger_closed_total', help: 'Connections that the service has closed, by close code.' }, 'code', traffic.closed),
    labelled('counter', { name: 'messenger_refused_total', help: 'Refused requests, channels and messages of batches, by the code of the error.' }, 'code', traffic.refused),
    labelled('counter', { name: 'messenger_limit_hits_total', help: 'Hits of the limits, by the name of the option.' }, 'limit', hits),
    single('gauge', { name: 'messenger_history_bytes', help: 'Memory of the history in this process; 0 with Redis.' }, () => sizes().historyBytes),
    single('gauge', { name: 'messenger_engine_ready', help: 'Whether messages can be published and read: 1 or 0.' }, () => sizes().ready ? 1 : 0),
    distribution({ name: 'messenger_publish_seconds', help: 'Time from a publish to its message in the log.' }, traffic.publishSeconds),
    distribution({
      name: 'messenger_delivery_seconds',
      help: 'Time from a publish on this instance to the answer of a WebSocket to a ping behind the message, of a sample.'
    }, traffic.deliverySeconds)
  ]
}

/** The metrics of the process, which a host has in its own registry already. */
export function processMetrics (): FamilyReader[] {
  return [
    single('gauge', { name: 'process_resident_memory_bytes', help: 'Resident memory of the process.' }, () => process.memoryUsage.rss()),
    single('gauge', { name: 'process_memory_limit_bytes', help: 'Memory that the process may use: of its control group, or of the machine.' }, () => {
      return memoryLimit(process.constrainedMemory(), totalmem())
    }),
    single('counter', { name: 'process_cpu_seconds_total', help: 'Processor time of the process.' }, () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / MICROSECONDS
    }),
    single('gauge', { name: 'process_start_time_seconds', help: 'Start of the process, in seconds since 1970.' }, () => performance.timeOrigin / SECOND_MS)
  ]
}

/** The limit of a control group is 0 where it is unknown, and beyond the memory of any machine where there is none. */
export function memoryLimit (limit: number, total: number): number {
  return limit > 0 ? Math.min(limit, total) : total
}
