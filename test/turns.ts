/** Resolves when `condition` holds; it is asked again on every turn of the event loop. The test's own timeout bounds it. */
export async function until (condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!await condition()) await turn()
}

/** Resolves on the next turn of the event loop. */
export async function turn (): Promise<void> {
  await new Promise((resolve) => { setImmediate(resolve) })
}
