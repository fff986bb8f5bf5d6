import pLimit from 'p-limit'

/** Concurrent commands of a pass over many channels: with thousands of channels after an outage, no command waits beyond its time limit. */
const CONCURRENCY = 256

/** Calls `step` for every item, at most 256 at a time. The steps must not reject. */
export async function forEachConcurrently<T> (items: Iterable<T>, step: (item: T) => Promise<void>): Promise<void> {
  await pLimit(CONCURRENCY).map(items, step)
}
