import pLimit from 'p-limit'

/** Commands under way at once where many channels are gone through: when thousands come back, none waits for longer than a command may. */
const CONCURRENCY = 256

/** Calls `step` for every item, at most 256 at a time. The steps must not reject. */
export async function forEachConcurrently<T> (items: Iterable<T>, step: (item: T) => Promise<void>): Promise<void> {
  await pLimit(CONCURRENCY).map(items, step)
}
