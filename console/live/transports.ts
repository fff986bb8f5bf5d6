import { http as openHttp } from '../../src/client/http.js'
import type { Transport } from '../../src/client/transport.js'
import { webSocket as openWebSocket } from '../../src/client/websocket.js'
import { connections } from './connections.js'

/** The transport, with what goes over it reported to {@link connections}. */
function observed (open: Transport, name: (polls: number) => string): Transport {
  return (address, token, signal, receive, end, polls, credentials) => {
    const connection = connections.begin(name(polls), address())
    const ended = (): void => { connections.end(connection) }
    signal.addEventListener('abort', ended)
    return open(address, token, signal, (data) => { connections.receive(connection, String(data), receive) }, (...arrival) => {
      ended()
      end(...arrival)
    }, polls, credentials)
  }
}

// The build puts these in the place of the client's own, in the page alone.
export const webSocket = observed(openWebSocket, () => 'WebSocket')
export const http = observed(openHttp, (polls) => polls > 0 ? 'long poll' : 'HTTP stream')
