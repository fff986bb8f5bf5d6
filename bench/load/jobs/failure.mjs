/** A promise that only ever rejects, to race a job against, and the function that rejects it. */
export function failurePromise () {
  let failed
  const failure = new Promise((resolve, reject) => { failed = reject })
  failure.catch(() => {})
  return { failure, failed }
}
