/** Calls a callback of the user, whose errors are logged and break nothing. */
export function guarded (callback: () => void): void {
  try {
    callback()
  } catch (error) {
    console.error(error)
  }
}
