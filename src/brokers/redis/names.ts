/**
 * The names of keys and of pub/sub channels in Redis. The braces keep the keys of a channel, and its notifications, in one slot of a
 * cluster.
 */
export class Names {
  /** The register of instances; a hash. */
  readonly register: string
  /** Announcements that are kept; a sorted set. */
  readonly announcements: string
  /** Pub/sub: new announcements. This name and that of the next one are part of the layout. */
  readonly announced: string
  /** Pub/sub: messages between instances, such as their subscriber counts. */
  readonly counts: string
  /** Sharded pub/sub: nothing; see nodes/instance-messages.ts. */
  readonly silent: string
  /** The claimants of members, see members/scripts.ts; a set. */
  readonly claimants: string
  readonly #keyPrefix: string
  readonly #livePrefix: string

  /** All databases of a server share pub/sub, so that its names contain the database. */
  constructor (keyPrefix: string, database: number) {
    this.#keyPrefix = keyPrefix
    this.#livePrefix = database === 0 ? keyPrefix : `${keyPrefix}${database}:`
    this.register = `${keyPrefix}instances`
    this.announcements = `${keyPrefix}{notices}`
    this.claimants = `${keyPrefix}{claimants}`
    this.announced = `${this.#livePrefix}notices`
    this.counts = `${this.#livePrefix}census`
    this.silent = `${this.#livePrefix}silent`
  }

  /** Pub/sub: the notifications of a channel's messages. */
  live (channel: string): string {
    return `${this.#livePrefix}{${channel}}:live`
  }

  /** The channel of these notifications. */
  channelOf (live: string): string {
    return live.slice(this.#livePrefix.length + 1, -'}:live'.length)
  }

  /** The position of a channel's log and its past epochs; a hash. */
  meta (channel: string): string {
    return this.#key(channel, 'meta')
  }

  /** The messages of a channel that are kept; a stream. */
  log (channel: string): string {
    return this.#key(channel, 'log')
  }

  /** The result of a publish with an idempotency key. */
  result (channel: string, idempotencyKey: string): string {
    return this.#key(channel, `key:${idempotencyKey}`)
  }

  /** The members of the channel of a companion; a hash. In the slot of the companion's log. */
  members (companion: string): string {
    return this.#key(companion, 'members')
  }

  /** The members that the companion's messages amount to; a set. */
  told (companion: string): string {
    return this.#key(companion, 'told')
  }

  /** The channels in which a claimant may have claims; a set. */
  claims (claimant: string): string {
    return this.#key('claimants', claimant)
  }

  #key (channel: string, name: string): string {
    return `${this.#keyPrefix}{${channel}}:${name}`
  }
}
