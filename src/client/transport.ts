import type { Member } from './subscription.js'

/**
 * The end of a connection, of which only the first counts; `list`: for these subscriptions only. `floor`: milliseconds for which
 * the other side does not want to be asked again.
 */
export type End = (
  arrival: { code?: number | undefined, reason?: string | undefined, retry?: number | undefined, floor?: number | undefined }, atOnce?: boolean, list?: Member[]
) => void

/**
 * Opens one connection, which the signal drops. May throw or reject.
 * `address()` is the URL with the positions of the moment, to which further parameters can be added. `receive` takes a frame of
 * text, which is empty where it only says that the connection is alive.
 */
export type Transport = (
  address: () => string,
  token: string | undefined,
  signal: AbortSignal,
  receive: (data: unknown) => void,
  end: End,
  polls: number,
  credentials: RequestCredentials | undefined
) => unknown
