import { MAX_TIMER } from './constants.js'

/**
 * An alarm for one action at a time. It goes by the clock, because timers stand still while the machine sleeps: the action is due
 * `ms` milliseconds after the alarm was set or touched, or `msAwake` where the page wakes up. `NaN` milliseconds never pass.
 */
export const alarm = () => {
  let due: (awake?: boolean) => unknown
  let mark: number
  let limit: number
  let soon: number
  let timer: ReturnType<typeof setTimeout> | undefined

  const check = (awake?: boolean, begins?: boolean) => {
    // The clock may have been set back.
    mark = Math.min(mark, Date.now())
    const left = mark + (awake ? soon : limit) - Date.now()
    if (begins || left > 0) {
      clearTimeout(timer)
      timer = setTimeout(check, Math.min(left, MAX_TIMER))
    } else if (left <= 0) due(awake)
  }

  const set = (action: typeof due, ms: number, msAwake = ms) => {
    due = action
    limit = ms
    soon = msAwake
    touch()
    check(false, true)
  }

  const touch = () => { mark = Date.now() }

  return [set, check, () => { clearTimeout(timer) }, touch] as const
}
