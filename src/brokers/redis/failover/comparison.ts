import type { Position } from '../../../wire/id.js'
import { forEachConcurrently } from '../connection/concurrency.js'
import { isDamage } from '../connection/refusal.js'
import type { Marks } from './marks.js'

/** Compares a mark with its log in a term; resolves with the position of the log where the mark is no longer part of it. */
export type Verify = (channel: string, seen: Position, term: string) => Promise<Position | undefined>

/** The beginning of an epoch that announces a loss. */
interface Announcement {
  readonly position: Position
  readonly term: string
}

/**
 * The comparison of marks with their logs. Where a mark is no longer part of its log, the log has begun an epoch behind a gap. That
 * epoch can be lost with the newest data like a message, and the mark is not repeated: the epoch is compared instead, until an
 * instance is admitted to another term in which it was found.
 */
export class Comparison {
  readonly #marks: Marks
  readonly #verify: Verify
  /** Marks that could not be compared, or were replaced before they were, by channel and epoch. */
  readonly #owed = new Map<string, [channel: string, position: Position]>()
  /** By channel. */
  readonly #announcements = new Map<string, Announcement>()
  /** The term that is being compared, and the positions of which that is done. */
  #term = ''
  #done = new WeakSet<Position>()

  constructor (marks: Marks, verify: Verify) {
    this.#marks = marks
    this.#verify = verify
  }

  /**
   * Compares every mark. After a failure the next call for the same term goes on with the rest: of many marks a few may fail each time.
   * In a cluster, whose term is empty, the logs of other masters must not wait for a master that never returns.
   */
  async compareAll (term: string): Promise<void> {
    if (term === '' || term !== this.#term) this.#done = new WeakSet()
    this.#term = term
    const owed = new Set(Array.from(this.#owed.values(), ([, position]) => position))
    const announced = Array.from(this.#announcements, ([channel, { position }]): [string, Position] => [channel, position])
      // A mark in the same epoch tells as much.
      .filter(([channel, { epoch }]) => this.#marks.get(channel)?.epoch !== epoch)
    const rest = [...announced, ...this.#marks].filter(([, position]) => !this.#done.has(position) && !owed.has(position))
    const failure = await this.#compare(rest, term)
    if (failure !== undefined && term !== '') throw failure as Error
  }

  /** Compares what is owed. */
  async settle (term: string): Promise<void> {
    await this.#compare([], term)
  }

  /** Schedules the comparison of a position that is no longer marked. */
  owe (channel: string, position: Position): void {
    const name = `${channel} ${position.epoch}`
    const owed = this.#owed.get(name)
    if (owed === undefined || owed[1].offset < position.offset) this.#owed.set(name, [channel, position])
  }

  /** To be called at the admission to a term, after which marks change. */
  end (term: string): void {
    for (const [channel, announcement] of this.#announcements) {
      if (announcement.term !== term && this.#done.has(announcement.position)) this.#announcements.delete(channel)
    }
    this.#term = ''
    this.#done = new WeakSet()
  }

  /** Compares these marks and the owed ones; resolves with the error for which one is owed now, unless it is of that log alone. */
  async #compare (marks: Iterable<[string, Position]>, term: string): Promise<unknown> {
    const seen = [...this.#owed.values(), ...marks]
    if (seen.length === 0) return undefined
    this.#owed.clear()
    let failure: unknown
    await forEachConcurrently(seen, async ([channel, position]) => {
      try {
        const current = await this.#verify(channel, position, term)
        this.#done.add(current ?? position)
        if (current === undefined) return
        this.#marks.delete(channel, position)
        // In a cluster a log has a gap in every other term, whatever its server has.
        if (term !== '') this.#announcements.set(channel, { position: current, term })
      } catch (error) {
        // A damaged log must not keep all others from being used; its loss is announced once it is repaired or removed.
        if (!isDamage(error)) failure = error
        this.owe(channel, position)
      }
    })
    return failure
  }
}
