import type { Grant } from '../access/grant.js'
import type { TransportName } from '../metrics/traffic.js'
import type { CloseCode } from '../wire/close.js'
import type { Encode } from '../wire/envelope.js'
import type { Standing } from '../wire/events.js'
import type { Connection } from './connection.js'
import { Subscriber } from './subscriber.js'

/** The cost of a message on a connection with queued ones, as a share of a write to a socket. */
const QUEUED_COST = 1 / 16

/** One of several channels of a connection: a subscriber with a position of its own and the connection of its siblings. */
export class Subscription extends Subscriber {
  /** The grant under which the subscription was admitted. */
  grant: Grant | undefined
  readonly #connection: Connection
  #ended = false

  constructor (connection: Connection, readonly name: string, encode: Encode) {
    super(encode)
    this.#connection = connection
  }

  override get connection (): Connection {
    return this.#connection
  }

  override get transport (): TransportName | undefined {
    return this.#connection.carrier.transport
  }

  override get sharesBytes (): boolean {
    return this.#connection.sharesBytes
  }

  override get writeCost (): number {
    return this.#connection.isQueued ? QUEUED_COST : 1
  }

  /** A replay waits for its turn while anything is unsent. */
  override get replayWindow (): number {
    return 0
  }

  override get acknowledges (): boolean {
    return this.#connection.frames !== undefined
  }

  override allowAcknowledgement (): void {
    this.#connection.carrier.allowAcknowledgement()
  }

  get unsentBytes (): number {
    return this.#connection.unsentBytes
  }

  override ping (onAnswer: () => void): Buffer | undefined {
    return this.#connection.carrier.ping?.(onAnswer)
  }

  isOpen (): boolean {
    return !this.#ended && this.#connection.carrier.isOpen()
  }

  write (bytes: Buffer): void {
    // The carrier writes nothing once it is closed.
    if (!this.#ended) this.#connection.queue(bytes)
  }

  drained (): Promise<void> {
    return this.#connection.drained()
  }

  announce (standing: Standing): boolean {
    if (this.isOpen()) this.#connection.announce(this, standing)
    return true
  }

  send (event: string, text: string): void {
    this.#connection.send(event, text)
  }

  /** One heartbeat serves all channels of the connection. */
  signal (): void {
    const [first] = this.#connection.subscriptions
    if (first === this) this.#connection.carrier.signal()
  }

  /** Does nothing: the carrier has the heartbeat of the connection. */
  beat (): void {}

  close (code: CloseCode, reason: string): void {
    this.#connection.carrier.close(code, reason)
  }

  terminate (why?: string): void {
    this.#connection.carrier.terminate(why)
  }

  /** Ends the subscription: nothing is written any more. */
  end (): void {
    this.#ended = true
  }
}
