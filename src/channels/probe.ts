import type { Histogram } from '../metrics/histogram.js'
import type { Position } from '../wire/id.js'
import type { Subscriber } from './subscriber.js'

/**
 * Milliseconds between two sampled subscribers, and how many may follow each other at once: together at most 40 in any second. With
 * 200 in a second the answers took 10 % of the time of an instance that delivers to 1,000 subscribers, one message after the other.
 */
const INTERVAL_MS = 50
const BURST = 20
const SECOND_MS = 1_000

/** The position of a message that was not appended. */
const NOWHERE: Position = { epoch: '', offset: 0 }

/** A run of messages that is being delivered. */
export interface Delivery extends Pick<Position, 'epoch'> {
  /** The offset before its first message, and that of its last. */
  readonly before: number
  readonly last: number
}

/**
 * A sample of the way from a publisher of this instance to its subscribers. A ping is written right behind the message to some of the
 * WebSockets, and its answer tells that the message has arrived: all by one clock, and with nothing to do for the client.
 */
export class Sampler {
  readonly #seconds: Pick<Histogram, 'observe'>
  readonly #now: () => number
  /** The time until which the samples so far are paid for. */
  #paidUntil = -Infinity

  /** @param now milliseconds of a monotonic clock */
  constructor (seconds: Pick<Histogram, 'observe'>, now: () => number = () => performance.now()) {
    this.#seconds = seconds
    this.#now = now
  }

  /** Whether a publish that begins now may be sampled. */
  mayBegin (now: number): boolean {
    return this.#paidUntil <= now + (BURST - 1) * INTERVAL_MS
  }

  begin (began: number): Probe {
    return new Probe(began, this)
  }

  /** The number of subscribers that may be sampled now. */
  get room (): number {
    const now = this.#now()
    return Math.floor((now + BURST * INTERVAL_MS - Math.max(this.#paidUntil, now)) / INTERVAL_MS)
  }

  /** Counts a sampled subscriber. */
  pay (): void {
    this.#paidUntil = Math.max(this.#paidUntil, this.#now()) + INTERVAL_MS
  }

  /** The time of an answer. */
  get now (): number {
    return this.#now()
  }

  observe (ms: number): void {
    this.#seconds.observe(ms / SECOND_MS)
  }
}

/** A publish whose way is sampled. */
export class Probe {
  /** The position of the message; of a failed publish one that nothing has. */
  #position: Position | undefined
  /** Answers that came before the position was known: with Redis, a message may arrive before its publisher has the answer. */
  readonly #early: { readonly delivery: Delivery, readonly at: number }[] = []

  constructor (readonly began: number, private readonly sampler: Sampler) {}

  /** Sets the position of the message; none where nothing was appended. Further calls do nothing. */
  end (position: Position = NOWHERE): void {
    if (this.#position !== undefined) return
    this.#position = position
    for (const { delivery, at } of this.#early.splice(0)) this.#judge(delivery, at)
  }

  /** Whether nothing after this delivery can contain the message. */
  isOver ({ epoch, last }: Delivery): boolean {
    return this.#position !== undefined && (this.#position.epoch !== epoch || this.#position.offset <= last)
  }

  /** The sampling of a delivery to so many subscribers; `undefined` where it is known not to contain the message. */
  sample (delivery: Delivery, subscribers: number): Sampling | undefined {
    if (this.#position !== undefined && !contains(delivery, this.#position)) return undefined
    const { room } = this.sampler
    if (room < 1) return undefined
    const { before, last, epoch } = delivery
    return new Sampling(Math.floor(subscribers / Math.min(room, subscribers)), this.sampler, (at) => {
      if (this.#position === undefined) this.#early.push({ delivery: { before, last, epoch }, at })
      else this.#judge({ before, last, epoch }, at)
    })
  }

  #judge (delivery: Delivery, at: number): void {
    if (contains(delivery, this.#position as Position)) this.sampler.observe(at - this.began)
  }
}

/** The choice of subscribers of one delivery: every so many of them, from a random one on. */
export class Sampling {
  #skip: number

  constructor (
    private readonly stride: number, private readonly sampler: Sampler, private readonly onAnswer: (at: number) => void
  ) {
    this.#skip = Math.floor(Math.random() * stride)
  }

  /** The bytes of the messages for a subscriber, with a ping behind them where it is chosen: one write, as without. */
  withPing (subscriber: Subscriber, bytes: Buffer): Buffer {
    if (this.#skip > 0) { this.#skip--; return bytes }
    if (subscriber.ping === undefined || !subscriber.isOpen() || this.sampler.room < 1) return bytes
    const ping = subscriber.ping(() => { this.onAnswer(this.sampler.now) })
    if (ping === undefined) return bytes
    this.sampler.pay()
    this.#skip = this.stride - 1
    return Buffer.concat([bytes, ping])
  }
}

function contains ({ epoch, before, last }: Delivery, position: Position): boolean {
  return position.epoch === epoch && position.offset > before && position.offset <= last
}
