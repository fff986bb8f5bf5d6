import { MAX_TIMER } from './constants.js'

/**
 * An alarm for one action at a time. It goes by the clock, because timers stand still while the machine sleeps: the action is due
 * `ms` milliseconds after the alarm was set or touched, or `msAwake` where the page wakes up. `NaN` disables the alarm, and
 * setting it without an action stops it.
 */
export const alarm = () => {
  let due: (awake?: boolean) => unknown
  let mark: number
  let limit: number
  let soon: number
  let timer: ReturnType<typeof setTimeout> | undefined

  const check = (awake?: boolean, begins?: boolean) => {
    clearTimeout(timer)
    // The clock may have been set back.
    mark = Math.min(mark, Date.now())
    const left = mark + (awake ? soon : limit) - Date.now()
    if (begins || left > 0) timer = setTimeout(check, Math.min(left, MAX_TIMER))
    else if (left <= 0) due(awake)
  }

  const touch = () => { mark = Date.now() }

  const set = (action?: typeof due, ms = NaN, msAwake = ms) => {
    due = action as typeof due
    limit = ms
    soon = msAwake
    touch()
    check(false, ms >= 0)
  }

  return [set, check, touch] as const
}
