import type { FastifyError } from '@fastify/error'
import type { WebSocket } from 'ws'
import { type CloseCode, closeCodeOf } from '../wire/close.js'
import { closeWebSocket } from './websocket.js'

/** Additional delay of each consecutive refusal of an address. */
const STEP_MS = 50
const MAX_DELAY_MS = 5_000
/** Time without a refusal after which the delay of an address is reset. */
const MEMORY_MS = 60_000
/** Refused WebSockets that may wait for their close, and addresses in memory above which old ones are removed. */
const MAX_WAITING = 1_000
const SWEEP_SIZE = 10_000

interface Row {
  count: number
  /** The time of the last refusal. */
  at: number
}

interface Refusal {
  readonly code: CloseCode
  readonly reason: string
  readonly timer: NodeJS.Timeout
}

/**
 * Closes WebSockets that are refused after the handshake. Clients that ignore close codes reconnect at once, forever: from the second
 * consecutive refusal of an address on, the close is delayed more and more.
 */
export class Refusals {
  readonly #rows = new Map<string, Row>()
  readonly #waiting = new Map<WebSocket, Refusal>()
  readonly #now: () => number

  /** @param now milliseconds of a monotonic clock */
  constructor (now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Closes a WebSocket with the code of an error as reason. */
  refuse (socket: WebSocket, { code, statusCode }: Pick<FastifyError, 'code' | 'statusCode'>, address: string): void {
    const closeCode = closeCodeOf(statusCode)
    const delay = this.#count(address)
    if (delay === 0 || this.#waiting.size >= MAX_WAITING) { closeWebSocket(socket, closeCode, code); return }
    // Nothing is read from the client meanwhile.
    socket.pause()
    const timer = setTimeout(() => { this.#end(socket) }, delay)
    this.#waiting.set(socket, { code: closeCode, reason: code, timer })
  }

  /** Resets the delay of an address after an admission. */
  admitted (address: string): void {
    if (this.#rows.size > 0) this.#rows.delete(address)
  }

  /** Closes waiting WebSockets at once. */
  close (): void {
    for (const socket of this.#waiting.keys()) this.#end(socket)
  }

  #end (socket: WebSocket): void {
    const { code, reason, timer } = this.#waiting.get(socket) as Refusal
    this.#waiting.delete(socket)
    clearTimeout(timer)
    socket.resume()
    closeWebSocket(socket, code, reason)
  }

  /** Counts a refusal; returns the delay of its close. */
  #count (address: string): number {
    const now = this.#now()
    const row = this.#rows.get(address)
    if (row === undefined || now - row.at > MEMORY_MS) {
      if (this.#rows.size >= SWEEP_SIZE) this.#sweep(now)
      this.#rows.set(address, { count: 1, at: now })
      return 0
    }
    row.at = now
    return Math.min(MAX_DELAY_MS, STEP_MS * row.count++)
  }

  #sweep (now: number): void {
    for (const [address, { at }] of this.#rows) if (now - at > MEMORY_MS) this.#rows.delete(address)
    // All are recent: starting again without them costs less than the memory.
    if (this.#rows.size >= SWEEP_SIZE) this.#rows.clear()
  }
}
