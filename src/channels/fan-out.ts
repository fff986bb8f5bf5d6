import type { Channel } from './channel.js'

/** Writes per event-loop turn, for any number of waiting channels: about 4 ms of work. */
const WRITES_PER_TURN = 512
/**
 * Writes per channel before the next one, or the event loop, has its turn: about 1 ms of work. Input that arrives meanwhile is
 * read between two slices, so that requests do not wait for the end of a flush, and their messages go out together in the
 * next one. An idle turn of the event loop costs less than one write.
 */
const WRITES_PER_CHANNEL = 128

/**
 * Flushes channels once per event-loop turn, so that all messages of a channel in the turn go out in one write
 * a subscriber. Crowded channels are served in slices, in turn with the others.
 */
export class FanOut {
  // A set serves as a queue without duplicates, in the order of insertion.
  readonly #queue = new Set<Channel>()
  #turn: NodeJS.Immediate | undefined

  /** Schedules a flush of the channel for the next event-loop turn. */
  schedule (channel: Channel): void {
    this.#queue.add(channel)
    this.#turn ??= setImmediate(this.#run)
  }

  readonly #run = (): void => {
    this.#turn = undefined
    // Only channels that were in the queue at the start of the turn: a channel with more to send waits for the next turn,
    // so that its sockets can drain in between.
    let budget = WRITES_PER_TURN
    let channels = this.#queue.size
    for (const channel of this.#queue) {
      if (channels-- === 0 || budget <= 0) break
      this.#queue.delete(channel)
      budget -= channel.flush(Math.min(budget, WRITES_PER_CHANNEL)) + 1
      if (channel.pending) this.#queue.add(channel)
    }
    if (this.#queue.size > 0) this.#turn = setImmediate(this.#run)
  }
}
