/**
 * What comes of a connection: a frame of text, which is empty where it only says that the connection is alive, or without `data`
 * the end of it, of which only the first counts. `floor`: milliseconds for which the other side does not want to be asked again.
 */
export interface Arrival {
  data?: unknown
  code?: number | undefined
  reason?: string | undefined
  floor?: number | undefined
}

/**
 * Opens one connection, which the signal drops. May throw or reject.
 * `address()` is the channel's URL with the position of the moment, to which further parameters can be added.
 */
export type Transport = (
  address: () => string,
  token: string | undefined,
  signal: AbortSignal,
  receive: (arrival: Arrival) => void,
  polls: number,
  credentials: RequestCredentials | undefined
) => unknown
