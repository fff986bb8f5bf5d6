import type { Transport } from './transport.js'

/**
 * The token goes as a subprotocol, the only header of an upgrade that a page can set: unlike the URL it is not written to
 * access logs. It is percent-encoded because a subprotocol may not contain, say, `=`, `/` or a parenthesis (RFC 6455, section 4.1);
 * `escape` encodes the latter.
 */
export const webSocket: Transport = (address, token, signal, receive, end) => {
  const socket = new WebSocket(address().replace('http', 'ws') + '&heartbeat&frames',
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    token ? ['messenger', 'token.' + encodeURIComponent(token.trim()).replace(/[()]/g, escape)] : [])
  // A policy of the page may refuse the connection with an error and no close.
  socket.onclose = socket.onerror = end as (event: Event) => void
  socket.onmessage = ({ data }) => { receive(data) }
  signal.onabort = () => { socket.close() }
  // A callback that ends the last subscription closes the socket while a frame is being taken; sending then is an error in the console.
  return (frame: object) => { if (!signal.aborted) socket.send(JSON.stringify(frame)) }
}
