import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 20

/**
 * Resolves to whether a promise was fulfilled, however long that took: to false once `progress()` has been the same number for
 * `stallMs`. Rejects as the promise does.
 */
export async function whileProgressing (promise, progress, stallMs) {
  let isOver = false
  const end = promise.finally(() => { isOver = true })
  // What it is rejected with once nobody waits for it any more.
  end.catch(() => {})
  let [reached, since] = [progress(), performance.now()]
  for (;;) {
    await Promise.race([end, delay(POLL_MS)])
    if (isOver) return true
    const [current, now] = [progress(), performance.now()]
    if (current !== reached) [reached, since] = [current, now]
    else if (now - since >= stallMs) return false
  }
}
