/** Returns a function that runs steps one after another, even after a failed one, and resolves with the result of its step. */
export function createSeries () {
  let last = Promise.resolve()
  return (step) => {
    const done = last.then(step)
    last = done.catch(() => {})
    return done
  }
}
