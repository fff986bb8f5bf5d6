import type { WebSocket } from 'ws'
import { encodePing, numberOfPong } from '../wire/websocket.js'

/** Milliseconds after which an answer is not expected any more: a client may answer a later ping alone (RFC 6455, section 5.5.3). */
const TIMEOUT_MS = 60_000
const NUMBERS = 2 ** 32

interface Ping {
  readonly number: number
  readonly at: number
  readonly onAnswer: () => void
}

// Not a field of each subscriber: few of them have one at a time.
const unanswered = new WeakMap<WebSocket, Ping>()
let last = 0

/** A ping whose answer is recognized, to be written to the WebSocket; `undefined` while another one is unanswered. */
export function numberedPing (socket: WebSocket, onAnswer: () => void, now = performance.now()): Buffer | undefined {
  const before = unanswered.get(socket)
  if (before !== undefined && now - before.at < TIMEOUT_MS) return undefined
  last = (last + 1) % NUMBERS
  unanswered.set(socket, { number: last, at: now, onAnswer })
  // It stays: removing the last listener of an event costs more memory than keeping it.
  if (socket.listenerCount('pong') === 0) socket.on('pong', answered)
  return encodePing(last)
}

// One function for all, so that it costs a connection no more than a slot in a list.
function answered (this: WebSocket, payload: Buffer): void {
  const ping = unanswered.get(this)
  if (ping === undefined || ping.number !== numberOfPong(payload)) return
  unanswered.delete(this)
  ping.onAnswer()
}
