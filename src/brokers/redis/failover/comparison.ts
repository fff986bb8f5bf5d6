import type { Position } from '../../../wire/id.js'
import { forEachConcurrently } from '../connection/concurrency.js'
import { isDamage } from '../connection/refusal.js'
import type { VerifyAnswer } from '../log/parse.js'
import type { Marks } from './marks.js'

/** Compares a mark with its log in a term. */
export type Verify = (channel: string, seen: Position, term: string) => Promise<VerifyAnswer>

/** The beginning of an epoch that announces a loss. */
interface Announcement {
  readonly position: Position
  readonly term: string
}

/**
 * The comparison of marks with their logs. Where a mark is no longer part of its log, the log has begun an epoch behind a gap. That
 * epoch can be lost with the newest data like a message, and the mark is not repeated: the epoch is compared instead, until the
 * instance is admitted to another term that was compared and in which it was found.
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
    const name = nameOf(channel, position)
    const owed = this.#owed.get(name)
    if (owed === undefined || owed[1].offset < position.offset) this.#owed.set(name, [channel, position])
  }

  /**
   * To be called at the admission to a term, after which marks change. Where an earlier admission resumes, that is not the term which was
   * compared: its server may have none of what was found or announced there, and all is compared again in the next term.
   */
  end (term: string): void {
    if (this.#term === term) this.#forget(term)
    this.#term = ''
    this.#done = new WeakSet()
  }

  /** Forgets what was found in a term, except for what is announced there. */
  #forget (term: string): void {
    for (const [channel, announcement] of this.#announcements) {
      if (announcement.term !== term && this.#done.has(announcement.position)) this.#announcements.delete(channel)
    }
    for (const [name, [, position]] of this.#owed) if (this.#done.has(position)) this.#owed.delete(name)
  }

  /** Compares these marks and the owed ones; resolves with the error for which one is owed now, unless it is of that log alone. */
  async #compare (marks: Iterable<[string, Position]>, term: string): Promise<unknown> {
    const owed = [...this.#owed.values()].filter(([, position]) => !this.#done.has(position))
    const seen = [...owed, ...marks]
    if (seen.length === 0) return undefined
    for (const [channel, position] of owed) this.#owed.delete(nameOf(channel, position))
    // Until the admission to the term, if there will be one.
    const kept = new Set(this.#term === '' ? [] : owed.map(([, position]) => position))
    let failure: unknown
    await forEachConcurrently(seen, async ([channel, position]) => {
      try {
        const { present, current } = await this.#verify(channel, position, term)
        const announced = present ? undefined : current
        this.#done.add(announced ?? position)
        if (announced === undefined && kept.has(position)) this.owe(channel, position)
        // In a cluster a log has a gap in every other term, whatever its server has: all of an earlier epoch is announced.
        const isOver = term === '' && current?.epoch !== position.epoch
        if (announced !== undefined || isOver) this.#marks.delete(channel, position)
        if (announced !== undefined && term !== '') this.#announcements.set(channel, { position: announced, term })
      } catch (error) {
        // A damaged log must not keep all others from being used; its loss is announced once it is repaired or removed.
        if (!isDamage(error)) failure = error
        this.owe(channel, position)
      }
    })
    return failure
  }
}

/** Of the positions of an epoch the last one tells all. */
function nameOf (channel: string, { epoch }: Position): string {
  return `${channel} ${epoch}`
}
