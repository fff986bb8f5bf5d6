import type { Transport } from './transport.js'

/**
 * The token goes as a subprotocol, the only header of an upgrade that a page can set: unlike the URL it is not written to
 * access logs. It is percent-encoded because a subprotocol may not contain, say, `=`, `/` or a parenthesis (RFC 6455, section 4.1).
 */
export const webSocket: Transport = (address, token, signal, onFrame, onEnd) => {
  const protocols = token ? ['messenger', 'token.' + encodeURIComponent(token.trim()).replace(/[()]/g, (character) => character === '(' ? '%28' : '%29')] : []
  const socket = new WebSocket(address().replace('http', 'ws') + '&heartbeat', protocols)
  socket.onmessage = (event) => { onFrame(event.data as string) }
  // A policy of the page may refuse the connection with an error and no close.
  socket.onclose = socket.onerror = ({ code, reason }: Partial<CloseEvent>) => { onEnd(code ?? 1006, reason ?? '') }
  signal.onabort = () => { socket.close() }
}
