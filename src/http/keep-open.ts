import { Http2ServerResponse, type Http2Session } from 'node:http2'
import type { ServerResponse } from 'node:http'
import { timeoutOf } from './internals.js'

/** A response of HTTP/1 or of HTTP/2. */
export type Response = ServerResponse | Http2ServerResponse

interface Held {
  /** Milliseconds without traffic after which the session would end. */
  readonly timeoutMs: number
  responses: number
}

const sessions = new WeakMap<Http2Session, Held>()

/**
 * Exempts a connection from the time limit for idle ones (`connectionTimeout` of a host): it is idle until there is a message.
 * Returns a function that ends the exemption.
 */
export function keepOpen (response: Response): () => void {
  if (response instanceof Http2ServerResponse) return keepSessionOpen(response.stream.session)
  // Node sets it again for the next request on the connection.
  response.req.socket.setTimeout(0)
  return () => {}
}

/** Whether the client has disconnected. */
export function isGone (response: Response): boolean {
  return response instanceof Http2ServerResponse ? response.stream.destroyed : response.destroyed
}

/** A signal that is aborted when the response is complete or the client has disconnected. */
export function goneSignal (response: Response): AbortSignal {
  const gone = new AbortController()
  const abort = (): void => { gone.abort() }
  if (isGone(response)) abort()
  else response.once('close', abort)
  return gone.signal
}

/** A session of HTTP/2 has many responses: its time limit applies again once none of them waits. */
function keepSessionOpen (session: Http2Session | undefined): () => void {
  if (session === undefined) return () => {}
  let held = sessions.get(session)
  if (held === undefined) {
    held = { timeoutMs: timeoutOf(session), responses: 0 }
    sessions.set(session, held)
    session.setTimeout(0)
  }
  const { timeoutMs } = held
  held.responses++
  return () => {
    if (--held.responses > 0) return
    sessions.delete(session)
    if (!session.destroyed) session.setTimeout(timeoutMs)
  }
}
