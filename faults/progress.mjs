import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 20

/** Resolves to true once `isOver()`, however long that takes; to false once `progress()` has been the same number for `stallMs`. */
export async function whileProgressing (isOver, progress, stallMs) {
  let [reached, since] = [progress(), performance.now()]
  while (!isOver()) {
    await delay(POLL_MS)
    const [current, now] = [progress(), performance.now()]
    if (current !== reached) [reached, since] = [current, now]
    else if (now - since >= stallMs) return isOver()
  }
  return true
}
