import type { FastifyError } from '@fastify/error'
import type { WebSocket } from 'ws'
import { Close, type CloseCode } from '../wire/close.js'
import { closeWebSocket } from './websocket.js'

/** What the status of a refusal over HTTP is on a WebSocket, where a page could not read it. The rest is worth another attempt. */
const CODES: Partial<Record<number, CloseCode>> = {
  400: Close.POLICY,
  401: Close.UNAUTHORIZED,
  403: Close.FORBIDDEN,
  404: Close.POLICY
}
/** By so much each refusal of an address in a row comes later than the one before it. */
const STEP_MS = 50
const MAX_DELAY_MS = 5_000
/** After so long without a refusal an address begins anew. */
const MEMORY_MS = 60_000
/** Refused WebSockets that may wait for their close, and addresses that are remembered before the old ones are looked for. */
const MAX_WAITING = 1_000
const SWEEP_SIZE = 10_000

interface Row {
  count: number
  /** When the last refusal was. */
  at: number
}

interface Refusal {
  readonly code: CloseCode
  readonly reason: string
  readonly timer: NodeJS.Timeout
}

/**
 * Closes WebSockets that are refused after the handshake. A client that knows nothing of close codes connects again at once, for ever:
 * from the second refusal of an address in a row on the close comes later and later.
 */
export class Refusals {
  readonly #rows = new Map<string, Row>()
  readonly #waiting = new Map<WebSocket, Refusal>()
  readonly #now: () => number

  /** @param now milliseconds of a clock that never goes back */
  constructor (now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Closes a WebSocket because of an error, whose code is the reason. */
  refuse (socket: WebSocket, { code, statusCode = 500 }: Pick<FastifyError, 'code' | 'statusCode'>, address: string): void {
    const closeCode = CODES[statusCode] ?? Close.TRY_AGAIN
    const delay = this.#count(address)
    if (delay === 0 || this.#waiting.size >= MAX_WAITING) { closeWebSocket(socket, closeCode, code); return }
    // What it sends is not read, so that it can do nothing meanwhile.
    socket.pause()
    const timer = setTimeout(() => { this.#end(socket) }, delay)
    this.#waiting.set(socket, { code: closeCode, reason: code, timer })
  }

  /** Ends the row of an address from which one was admitted. */
  admitted (address: string): void {
    if (this.#rows.size > 0) this.#rows.delete(address)
  }

  /** Closes those that wait at once. */
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

  /** Counts a refusal; returns how long its close is put off. */
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
    // All of them are recent: those that are forgotten begin anew, which costs less than the memory.
    if (this.#rows.size >= SWEEP_SIZE) this.#rows.clear()
  }
}
