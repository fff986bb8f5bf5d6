import { page } from './server-url.js'

/**
 * Calls `online` when the browser is, and `shown` when the page is shown again, which may have slept; until `connection` is aborted.
 * The first `pageshow`, at the end of loading, is not persisted: nothing has slept, and a connection may be about to open.
 */
export const onWakeUp = (connection: AbortController, online: (reason: string) => void, shown: (awake: true) => void): void => {
  ['online', 'pageshow', 'visibilitychange'].forEach((type) => {
    (globalThis as Partial<typeof globalThis>).addEventListener?.(type, (event) => {
      if (type === 'online') online(type)
      else if ((event as Partial<PageTransitionEvent>).persisted ?? !page?.hidden) shown(true)
    }, connection)
  })
}
