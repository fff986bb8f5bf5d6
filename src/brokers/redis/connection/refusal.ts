/** What a promise is rejected with, or `undefined` when it is not; for what may fail without anybody having to act on it. */
export async function refusalOf (answer: Promise<unknown>): Promise<unknown> {
  try {
    await answer
    return undefined
  } catch (error) {
    return error
  }
}
