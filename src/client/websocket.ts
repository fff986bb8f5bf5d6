import type { Transport } from './transport.js'

/**
 * The token goes as a subprotocol, the only header of an upgrade that a page can set: unlike the URL it is not written to
 * access logs. It is percent-encoded because a subprotocol may not contain, say, `=` or `/` (RFC 6455, section 4.1).
 */
export const webSocket: Transport = (url, token, onFrame, onEnd) => {
  const socket = new WebSocket(url.replace('http', 'ws'), token ? ['messenger', 'token.' + encodeURIComponent(token)] : [])
  socket.onmessage = (event) => { onFrame(event.data as string) }
  socket.onclose = (event) => { onEnd(event.code, event.reason) }
  return () => { socket.close() }
}
