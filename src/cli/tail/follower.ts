import { setTimeout as delay } from 'node:timers/promises'
import type { Output } from '../command.js'
import { linesOf } from './lines.js'
import type { Positions } from './positions.js'
import { Refused, refusalOf, type StreamEvent, parseLine } from './protocol.js'
import { Watchdog } from './watchdog.js'

const BASE_MS = 250
const CAP_MS = 10_000
const LINES = 'application/x-ndjson'

/** Kinds of lines for a person. */
export type Level = 'state' | 'gap' | 'error'

/** Dependencies of {@link Follower}. */
export interface FollowerOptions {
  readonly base: string
  readonly token: string | undefined
  readonly positions: Positions
  readonly signal: AbortSignal
  readonly stdout: Output
  readonly say: (level: Level, text: string) => void
}

/** The end of a connection. */
interface Cut {
  readonly reason: string
  /** Milliseconds that the service asks to wait. */
  readonly delayMs: number
}

/** Follows channels over HTTP, and reconnects after a cut. */
export class Follower {
  readonly #options: FollowerOptions
  /** Attempts in a row without a subscription. */
  #attempts = 0
  #refused: string | undefined

  constructor (options: FollowerOptions) {
    this.#options = options
  }

  /** Resolves when no channel is left, with the last refusal if there was one, or when the signal is aborted. */
  async run (): Promise<string | undefined> {
    const { signal, say } = this.#options
    while (!this.#isOver()) {
      const cut = await this.#connect()
      if (this.#isOver()) break
      const delayMs = Math.round(cut.delayMs + Math.random() * Math.min(CAP_MS, BASE_MS * 2 ** this.#attempts++))
      say('state', `${cut.reason}; reconnecting in ${(delayMs / 1_000).toFixed(1)} s`)
      await delay(delayMs, undefined, { signal }).catch(() => {})
    }
    return this.#refused
  }

  #isOver (): boolean {
    return this.#options.positions.size === 0 || this.#options.signal.aborted
  }

  /** One connection, from its request to its end. */
  async #connect (): Promise<Cut> {
    const watchdog = new Watchdog(this.#options.signal)
    return await this.#read(watchdog).finally(() => { watchdog.stop() })
  }

  async #read (watchdog: Watchdog): Promise<Cut> {
    const { base, token, positions } = this.#options
    let announced: Cut | undefined
    try {
      const headers = { accept: LINES, ...token !== undefined && { authorization: `Bearer ${token}` } }
      const response = await fetch(`${base}${positions.url}`, { headers, redirect: 'follow', signal: watchdog.signal })
      if (response.status !== 200 || response.headers.get('content-type')?.startsWith(LINES) !== true)
        return await refusalOf(response)
      for await (const line of linesOf(response.body as AsyncIterable<Uint8Array>)) {
        watchdog.heard()
        if (line !== '') announced = await this.#take(line, watchdog)
        if (this.#isOver()) break
      }
      return announced ?? { reason: 'the connection was cut', delayMs: 0 }
    } catch (error) {
      if (error instanceof Refused) {
        this.#refuseAll(error.message)
        return { reason: error.message, delayMs: 0 }
      }
      const reason = watchdog.signal.aborted ? (watchdog.signal.reason as Error).message : reasonOf(error)
      // A stream breaks off behind the line that says why.
      return announced ?? { reason, delayMs: 0 }
    }
  }

  /** Takes a line. Resolves with the reason for the end that it announces, if it does. */
  async #take (line: string, watchdog: Watchdog): Promise<Cut | undefined> {
    const event = parseLine(line)
    if (event?.kind === 'message') await this.#print(event.channel, event.id, line)
    else if (event?.kind === 'close') return this.#closed(event)
    else if (event !== undefined) this.#announced(event, watchdog)
    return undefined
  }

  async #print (channel: string, id: string, line: string): Promise<void> {
    const { positions, stdout, say, signal } = this.#options
    const advance = positions.advance(channel, id)
    if (advance === 'known') return
    if (advance === 'gap') say('gap', `gap in ${channel}: messages before ${id} are lost`)
    if (!stdout.write(`${line}\n`)) await drained(stdout, signal)
  }

  #announced (event: Exclude<StreamEvent, { kind: 'message' | 'close' }>, watchdog: Watchdog): void {
    const { positions, say } = this.#options
    const { channel } = event
    switch (event.kind) {
      case 'subscribed':
        this.#attempts = 0
        positions.set(channel, event.id)
        watchdog.expect(event.heartbeatMs)
        if (event.gap === undefined) say('state', `subscribed to ${channel} at ${event.id}`)
        else say('gap', `gap in ${channel} (${event.gap}): messages before ${event.id} are lost`)
        break
      case 'refused':
        if (event.final) {
          say('error', `refused ${channel}: ${event.message}`)
          positions.delete(channel)
          this.#refused = `${channel} was refused: ${event.message}`
        } else {
          // Asked for again with the others, which go on where they are.
          watchdog.end(new Error(`${channel} is refused for now (${event.message})`))
        }
        break
      case 'end':
        say('state', `${channel} has ended${event.reason === undefined ? '' : `: ${event.reason}`}`)
        positions.delete(channel)
        break
    }
  }

  #closed ({ final, reason, windowMs }: Extract<StreamEvent, { kind: 'close' }>): Cut {
    if (final) throw new Refused(reason)
    return { reason: `the service closed the stream (${reason})`, delayMs: Math.random() * windowMs }
  }

  #refuseAll (message: string): void {
    this.#refused = message
    this.#options.positions.clear()
  }
}

/** Resolves when an output takes more. A slow reader so slows the service, which then closes the stream, and the position stays. */
async function drained (stdout: Output, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done)
      resolve()
    }
    stdout.once('drain', done)
    signal.addEventListener('abort', done)
  })
}

/** The text of an error of `fetch`, whose own message is the same for all. Throws any other error. */
function reasonOf (error: unknown): string {
  const { cause } = error as { cause?: { code?: string, message?: string } }
  // Nothing that `fetch` foresees.
  if (cause === undefined) throw error
  return `the service cannot be reached: ${cause.code ?? String(cause.message)}`
}
