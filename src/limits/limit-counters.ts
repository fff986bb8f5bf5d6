/** The counted limits, by the name of the option or, for those of the service alone, of the variable. */
export const LIMITS = [
  'maxConnections',
  'maxConnectionsPerAddress',
  'maxSocketsPerAddress',
  'maxSubscriptions',
  'maxSubscriptionsPerAddress',
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

/** The number of hits of each limit since the start, as monotonic counters. */
export class LimitCounters {
  readonly #hits = Object.fromEntries(LIMITS.map((name) => [name, 0])) as Record<LimitName, number>

  readonly #onHit: ((name: LimitName) => void) | undefined

  /** @param onHit called with each hit */
  constructor (onHit?: (name: LimitName) => void) {
    this.#onHit = onHit
  }

  /** Counts a hit. */
  hit (name: LimitName): void {
    this.#hits[name]++
    this.#onHit?.(name)
  }

  /** The number of hits of a limit. */
  get (name: LimitName): number {
    return this.#hits[name]
  }
}
