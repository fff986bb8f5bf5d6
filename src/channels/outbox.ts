import type { Connection } from './connection.js'

/**
 * The connections with queued messages of several channels. They are written once the current callback of the event loop has ended,
 * one write a connection.
 */
export class Outbox {
  #queued: Connection[] = []
  /** The last joined buffers and their bytes: connections with the same channels share them. */
  #parts: readonly Buffer[] = []
  #bytes: Buffer = Buffer.alloc(0)

  /** Adds a connection whose queue was empty. */
  add (connection: Connection): void {
    if (this.#queued.push(connection) === 1) queueMicrotask(this.#flush)
  }

  /** The parts as one buffer; the same one where the parts are those of the call before. */
  join (parts: readonly Buffer[]): Buffer {
    if (parts.length === 1) return parts[0] as Buffer
    if (parts.length !== this.#parts.length || !parts.every((part, index) => part === this.#parts[index])) {
      this.#parts = [...parts]
      this.#bytes = Buffer.concat(parts)
    }
    return this.#bytes
  }

  readonly #flush = (): void => {
    const queued = this.#queued
    this.#queued = []
    for (const connection of queued) connection.flush()
    // Nothing is kept in memory until the next messages.
    this.#parts = []
  }
}
