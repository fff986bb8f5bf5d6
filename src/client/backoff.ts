import { BASE, CAP } from './constants.js'

/**
 * Milliseconds to wait before attempt number `attempt` (0 is the first one after a connection that worked): anything from 0 to
 * a limit that doubles, so that clients that were cut at the same moment come back spread out ("full jitter").
 * A window that the server names in the reason replaces the limit when the connection had worked, and otherwise can only
 * extend it.
 */
export const delay = (attempt: number, wasOpen: unknown, reason: string, retry?: number): number => {
  const window = ~~(retry ?? /retry=(\d{1,8})/.exec(reason)?.[1] as unknown as number)
  return Math.random() * ((wasOpen ? window : 0) || Math.max(window, Math.min(CAP, BASE * 2 ** attempt)))
}

/** A `Retry-After` header in milliseconds: seconds or a date (RFC 9110, section 10.2.3); 0 without one. */
export const retryAfter = (text: string | null): number => Math.max(0, text as unknown as number * 1000 || Date.parse(text as string) - Date.now() || 0)
