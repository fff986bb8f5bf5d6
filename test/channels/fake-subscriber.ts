import { Subscriber } from '../../src/channels/subscriber.js'
import type { CloseCode } from '../../src/wire/close.js'
import type { Envelope } from '../../src/wire/envelope.js'
import type { Standing } from '../../src/wire/events.js'

/** An encoder whose bytes are easy to read: the ids, one a line. */
export function encodeIds (envelopes: readonly Envelope[]): Buffer {
  return Buffer.from(envelopes.map(({ id }) => `${id}\n`).join(''))
}

/** A subscriber without a connection, which keeps what it is told. */
export class FakeSubscriber extends Subscriber {
  /** The ids of the messages that were written, in order. */
  readonly ids: string[] = []
  /** The writes, in order. */
  readonly writes: Buffer[] = []
  readonly standings: Standing[] = []
  /** The events that were sent besides positions. */
  readonly sent: Record<string, unknown>[] = []
  readonly closes: { code: CloseCode, reason: string }[] = []
  /** Bytes in the buffer after a write; a test sets it to make the subscriber slow. */
  unsentBytes = 0
  open = true
  events = true
  beats = 0
  signals = 0
  terminated = false
  onWrite: (() => void) | undefined
  drain: Promise<void> | undefined

  constructor (encode = encodeIds) {
    super(encode)
  }

  get transport (): undefined {
    return undefined
  }

  /** The offsets of the messages that were written. */
  get offsets (): number[] {
    return this.ids.map((id) => Number(id.split(':')[1]))
  }

  isOpen (): boolean {
    return this.open
  }

  write (bytes: Buffer): void {
    if (!this.open) return
    this.writes.push(bytes)
    this.ids.push(...bytes.toString().split('\n').slice(0, -1))
    this.onWrite?.()
  }

  async drained (): Promise<void> {
    await this.drain
  }

  announce (standing: Standing): boolean {
    if (this.events) this.standings.push(standing)
    return this.events
  }

  send (event: string, text: string): void {
    this.sent.push({ event, ...JSON.parse(text) as object })
  }

  signal (): void {
    this.signals++
  }

  beat (): void {
    this.beats++
  }

  close (code: CloseCode, reason: string): void {
    this.open = false
    this.closes.push({ code, reason })
  }

  terminate (): void {
    this.open = false
    this.terminated = true
  }
}

/** The numbers from `first` to `last`. */
export function range (first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}
