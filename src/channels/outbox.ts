import type { Connection } from './connection.js'
import { Parts } from './parts.js'

/**
 * The connections with queued messages of several channels. They are written once the current callback of the event loop has ended,
 * one write a connection.
 */
export class Outbox {
  #queued: Connection[] = []
  /** The chain that was begun last. */
  #first: Parts | undefined

  /** Adds a connection, and returns the chain that begins with its first queued message. */
  add (connection: Connection, bytes: Buffer): Parts {
    if (this.#queued.push(connection) === 1) queueMicrotask(this.#flush)
    return this.#first?.is(bytes) === true ? this.#first : this.#first = new Parts(bytes)
  }

  readonly #flush = (): void => {
    const queued = this.#queued
    this.#queued = []
    for (const connection of queued) connection.flush()
    // Nothing is kept in memory until the next messages.
    this.#first = undefined
  }
}
