/** The limits that are counted, by the option or, where the service alone has it, the variable that sets each. */
export const LIMITS = [
  'maxConnections',
  'maxConnectionsPerAddress',
  'maxSocketsPerAddress',
  'maxChannels',
  'maxSubscribesPerSecond',
  'maxPublishesPerSecond',
  'maxRefusedTokensPerMinute',
  'maxUrlBytes',
  'maxMessageBytes',
  'maxBufferedBytes',
  'maxBytesInFlight',
  'writeTimeoutMs',
  'maxReceivedBytes',
  'upgradeTimeoutMs',
  'maxHeaderBytes',
  'requestTimeoutMs'
] as const

/** One of {@link LIMITS}. */
export type LimitName = typeof LIMITS[number]

/** How often each limit was hit since the start. The numbers only go up, as a metric's do. */
export class LimitCounters {
  readonly #hits = Object.fromEntries(LIMITS.map((name) => [name, 0])) as Record<LimitName, number>

  /** Counts one. */
  hit (name: LimitName): void {
    this.#hits[name]++
  }

  /** How often a limit was hit. */
  get (name: LimitName): number {
    return this.#hits[name]
  }
}
