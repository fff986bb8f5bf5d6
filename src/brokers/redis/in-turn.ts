/** Commands under way at once when all channels are gone through. */
const CONCURRENCY = 256

/** Takes a step for each item, some at a time. The steps must not reject. */
export async function inTurn<T> (items: Iterable<T>, step: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items].values()
  // They share the iterator: each takes the next item that nobody took.
  await Promise.all(Array.from({ length: CONCURRENCY }, async () => { for (const item of waiting) await step(item) }))
}
