import { page } from './server-url.js'

/** Calls `online` when the browser is, and `shown` when the page is shown again, which may have slept; until `connection` is aborted. */
export const onWakeUp = (connection: AbortController, online: (reason: string) => void, shown: (awake: true) => void): void => {
  ['online', 'pageshow', 'visibilitychange'].forEach((type) => {
    (globalThis as Partial<typeof globalThis>).addEventListener?.(type, () => {
      if (type === 'online') online(type)
      else if (!page?.hidden) shown(true)
    }, connection)
  })
}
