import pLimit from 'p-limit'

/** Concurrent commands for many channels or clients: with thousands of them after an outage, no command waits beyond its time limit. */
const CONCURRENCY = 256

/** Runs functions, at most 256 at a time. */
export const concurrencyLimit = (): ReturnType<typeof pLimit> => pLimit(CONCURRENCY)

/** Calls `step` for every item, at most 256 at a time. The steps must not reject. */
export async function forEachConcurrently<T> (items: Iterable<T>, step: (item: T) => Promise<void>): Promise<void> {
  await concurrencyLimit().map(items, step)
}
