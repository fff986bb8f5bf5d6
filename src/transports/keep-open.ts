import { Http2ServerResponse, type Http2Session } from 'node:http2'
import type { ServerResponse } from 'node:http'

type Response = ServerResponse | Http2ServerResponse

interface Held {
  /** Milliseconds without traffic after which the session would end by itself. */
  readonly timeoutMs: number
  responses: number
}

const sessions = new WeakMap<Http2Session, Held>()

/**
 * Keeps a connection that is quiet from being ended for that (`connectionTimeout` of a host): nothing happens on it until there is a
 * message. Returns what ends this.
 */
export function keepOpen (response: Response): () => void {
  if (response instanceof Http2ServerResponse) return keepSessionOpen(response.stream.session)
  // Node sets it anew for the next request on the connection.
  response.req.socket.setTimeout(0)
  return () => {}
}

/** Whether the other side is gone. */
export function isGone (response: Response): boolean {
  return response instanceof Http2ServerResponse ? response.stream.destroyed : response.destroyed
}

/** A session of HTTP/2 has many responses: its own time counts again once none is left that waits. */
function keepSessionOpen (session: Http2Session | undefined): () => void {
  if (session === undefined) return () => {}
  let held = sessions.get(session)
  if (held === undefined) {
    // Node has it as a property that it does not document.
    held = { timeoutMs: (session as { timeout?: number }).timeout ?? 0, responses: 0 }
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
