import { type Envelope, envelopesOf } from '../json/frame.js'
import { Signal } from '../signal.js'

/** A connection to the server, as it is shown. */
export class Connection {
  readonly channels = new Set<string>()
  readonly since = Date.now()
  open = false
  messages = 0

  constructor (readonly number: number, readonly transport: string, readonly url: string) {}

  /** Takes the state of the connection from a frame. */
  note ({ channel, event, json }: Envelope, changed: () => void): void {
    if (channel === undefined) return
    if (json !== undefined) this.messages++
    const leaves = event === 'refused' || event === 'unsubscribed' || event === 'end'
    if (this.open && this.channels.has(channel) !== leaves) return
    this.open = true
    if (leaves) this.channels.delete(channel)
    else this.channels.add(channel)
    changed()
  }
}

/** The connections of the page. The client makes them; the transports in this folder report them here. */
class Connections {
  readonly changed = new Signal()
  readonly #open = new Set<Connection>()
  /** The frame that the client is processing: its callbacks are called meanwhile. */
  #envelopes: Envelope[] = []

  get all (): Connection[] {
    return [...this.#open]
  }

  /** The connection that carries a channel. */
  of (channel: string): Connection | undefined {
    return this.all.find(({ channels }) => channels.has(channel))
  }

  begin (transport: string, url: string): Connection {
    const taken = new Set(this.all.map(({ number }) => number))
    let number = 1
    while (taken.has(number)) number++
    const connection = new Connection(number, transport, url)
    this.#open.add(connection)
    this.changed.emit()
    return connection
  }

  end (connection: Connection): void {
    if (this.#open.delete(connection)) this.changed.emit()
  }

  /** Hands a frame to the client, and keeps its text as written for the callbacks. */
  receive (connection: Connection, frame: string, receive: (data: unknown) => void): void {
    this.#envelopes = envelopesOf(frame)
    for (const envelope of this.#envelopes) connection.note(envelope, () => { this.changed.emit() })
    receive(frame)
    this.#envelopes = []
  }

  /** The envelope of the message for which the client calls back. */
  envelope (channel: string, id: string): Envelope | undefined {
    return this.#envelopes.find((envelope) => envelope.id === id && envelope.channel === channel && envelope.json !== undefined)
  }
}

export const connections = new Connections()
