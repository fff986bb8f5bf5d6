import type { Outcome, Refusal, Result } from './answer.js'
import { backoff } from './backoff.js'
import type { Entry } from './entry.js'
import { PublishError } from './errors.js'
import type { Settings } from './options.js'
import { Outbox } from './outbox.js'
import { Pace } from './pace.js'
import { send } from './request.js'

const SECOND_MS = 1_000
const TOO_LARGE = 413
/** A body that was refused for its size bounds later ones, but not below this. */
const MIN_BODY_BYTES = 1_024

/** Sends entries, repeats them and settles each. */
export class Dispatcher {
  readonly #settings: Settings
  readonly #outbox = new Outbox()
  readonly #pace: Pace
  /** Ends the pauses before repetitions. */
  readonly #pauses = new Set<() => void>()
  #maxBodyBytes: number

  constructor (settings: Settings) {
    this.#settings = settings
    this.#maxBodyBytes = settings.maxBodyBytes
    this.#pace = new Pace(settings.maxRequests, () => { this.#pump() })
  }

  add (entry: Entry): void {
    this.#outbox.add(entry)
    this.#pace.soon()
  }

  /** Aborts an entry, and its request where all others of it have settled, too. */
  abort (entry: Entry, reason: unknown): void {
    entry.abort(reason, !this.#outbox.remove(entry))
  }

  /** Rejects an entry whose time is over, unless it is in a request: that ends at the same time. */
  expire (entry: Entry): void {
    if (this.#outbox.remove(entry)) entry.expire(this.#settings.retryForMs)
  }

  /** Ends the timers. To be called when every entry has settled, for good. */
  stop (): void {
    this.#pace.stop()
    for (const end of this.#pauses) end()
  }

  #pump (): void {
    while (this.#pace.free) {
      const batch = this.#outbox.take(this.#maxBodyBytes)
      if (batch.length === 0) return
      void this.#dispatch(batch)
    }
  }

  async #dispatch (batch: readonly Entry[]): Promise<void> {
    const again: Entry[] = []
    this.#pace.began()
    const delayMs = await this.#deliver(batch, again)
    this.#pace.ended()
    if (delayMs > 0) await this.#sleep(delayMs)
    this.#outbox.giveBack(batch, again.filter(({ settled }) => !settled))
    this.#pace.soon()
  }

  /**
   * Sends entries in one request, or in several where it is refused for one of them; `again` takes those to repeat. Resolves with the
   * milliseconds until then, where it is another time than the end of the pause of all.
   */
  async #deliver (batch: readonly Entry[], again: Entry[]): Promise<number> {
    // Behind an entry that is repeated its channel waits.
    const held = new Set(again.map(({ post }) => post.channel))
    const live = batch.filter(({ settled }) => !settled)
    const entries = this.#pace.paused ? [] : live.filter(({ post }) => !held.has(post.channel))
    again.push(...entries.length === live.length ? [] : live.filter((entry) => !entries.includes(entry)))
    if (entries.length === 0) return 0
    const outcome = await this.#attempt(entries)
    if (outcome.kind === 'answered') return this.#settle(entries, outcome.results, again)
    const { refusal } = outcome
    if (outcome.kind === 'failed') {
      const delayMs = Math.min(outcome.retryAfterMs + backoff(attemptsOf(entries)), this.#settings.retryForMs)
      this.#pace.pause(delayMs)
      this.#repeat(entries, refusal, delayMs, again)
      return 0
    }
    if (!outcome.divisible || entries.length === 1) {
      for (const entry of entries) entry.refuse(refusal.message, refusal)
      return 0
    }
    if (refusal.statusCode === TOO_LARGE) {
      const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
      this.#maxBodyBytes = Math.max(MIN_BODY_BYTES, Math.min(this.#maxBodyBytes, Math.floor(bytes / 2)))
    }
    const half = Math.ceil(entries.length / 2)
    const delayMs = await this.#deliver(entries.slice(0, half), again)
    return Math.max(delayMs, await this.#deliver(entries.slice(half), again))
  }

  async #attempt (entries: readonly Entry[]): Promise<Outcome> {
    const abandon = new AbortController()
    const abandoned = (): void => { if (entries.every(({ settled }) => settled)) abandon.abort(new Error('all messages were aborted')) }
    for (const entry of entries) entry.abandoned = abandoned
    const outcome = await send(entries, this.#settings, abandon, this.#timeoutOf(entries))
    for (const entry of entries) entry.abandoned = undefined
    if (outcome.kind !== 'failed') this.#pace.answered()
    return outcome
  }

  /** A repetition must not arrive after the key was forgotten; a first attempt may take its time. */
  #timeoutOf (entries: readonly Entry[]): number {
    const left = entries.filter(({ attempts }) => attempts > 0).map(({ post }) => post.deadline - performance.now())
    return Math.max(1, Math.min(this.#settings.requestTimeoutMs + (entries as [Entry])[0].post.waitSeconds * SECOND_MS, ...left))
  }

  #settle (entries: readonly Entry[], results: readonly Result[], again: Entry[]): number {
    const delayMs = backoff(attemptsOf(entries))
    const passing = new Map<Entry, Refusal>()
    for (const [index, entry] of entries.entries()) {
      const result = results[index] as Result
      if (!('refusal' in result)) entry.sent(result)
      else if (result.passing) passing.set(entry, result.refusal)
      else entry.refuse(result.refusal.message, result.refusal)
    }
    for (const [entry, refusal] of passing) this.#repeat([entry], refusal, delayMs, again)
    return passing.size > 0 ? delayMs : 0
  }

  #repeat (entries: readonly Entry[], refusal: Refusal, delayMs: number, again: Entry[]): void {
    const error = new PublishError(refusal.message, refusal)
    const next = performance.now() + delayMs
    const live = entries.filter(({ settled }) => !settled)
    for (const entry of live) {
      entry.failed(error)
      if (entry.post.deadline > next) again.push(entry)
      else entry.expire(this.#settings.retryForMs)
    }
    if (live.length > 0) this.#settings.onRetry({ error, messages: live.length, delayMs })
  }

  /** Resolves after that time, or when the dispatcher stops. */
  async #sleep (delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#pauses.delete(end)
        resolve()
      }
      const timer = setTimeout(end, delayMs)
      this.#pauses.add(end)
    })
  }
}

/** The number of the failed attempt of the entry that was tried most often. */
function attemptsOf (entries: readonly Entry[]): number {
  return entries.reduce((most, { attempts }) => Math.max(most, attempts), 0) + 1
}
