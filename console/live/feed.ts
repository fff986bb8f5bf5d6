import { connectToChannel, type Options, type State } from '../../src/client/index.js'
import { Signal } from '../signal.js'
import { Buffer } from './buffer.js'
import { connections } from './connections.js'
import type { Entry } from './entry.js'

const UNAUTHORIZED = 4401
const GAPS: Record<string, string> = {
  epoch: 'The service lost the history of this channel, for example by a restart. Messages from before may be missing here.',
  expired: 'The history does not reach back far enough. Older messages are missing here.'
}

/** A channel that the page watches: one subscription, however many tails show it. */
export class Feed {
  readonly added = new Signal<Entry>()
  readonly changed = new Signal()
  /** The service refused the channel for want of a token. */
  readonly unauthorized = new Signal()
  readonly #recent = new Buffer(500, 2 * 1024 ** 2)
  readonly #options: Pick<Options, 'server' | 'token'>
  /** The id of the last message; before the first one all that is kept is wanted. */
  #position = 'earliest'
  #state: State = 'connecting'
  #refusal = ''
  #disconnect = (): void => undefined

  constructor (readonly channel: string, options: Pick<Options, 'server' | 'token'>) {
    this.#options = options
  }

  get state (): State {
    return this.#state
  }

  /** Why the service refused the channel; empty while it did not. */
  get refusal (): string {
    return this.#refusal
  }

  /** The entries that a further tail begins with. */
  get recent (): readonly Entry[] {
    return this.#recent.entries
  }

  /** Connects, or connects anew and goes on where it was. */
  connect (): void {
    const { channel } = this
    this.#disconnect()
    this.#refusal = ''
    this.#disconnect = connectToChannel(channel, (message, { id }) => { this.#take(id, message) }, {
      ...this.#options,
      since: this.#position,
      onState: (state) => {
        this.#state = state
        if (state === 'open') this.#refusal = ''
        this.changed.emit()
      },
      onGap: ({ reason }) => { this.#note('warn', GAPS[reason] ?? 'Some messages were missed here.') },
      onClose: ({ final, code, reason }) => {
        if (code === UNAUTHORIZED) this.unauthorized.emit()
        if (!final && !reason.startsWith('MSG_ERR')) return
        this.#refusal = reason === '' ? `code ${code}` : reason
        if (final) this.#note('bad', `The service refused channel ${channel}: ${this.#refusal}.`)
        this.changed.emit()
      },
      // An error of the token is shown beside its field.
      onError: () => undefined
    })
  }

  close (): void {
    this.#disconnect()
  }

  #take (id: string, message: unknown): void {
    const { channel } = this
    this.#position = id
    const { json = JSON.stringify(message), time, from } = connections.envelope(channel, id) ?? {}
    this.#add({ kind: 'message', channel, id, json, time: time ?? Date.now(), timed: time !== undefined, from })
  }

  #note (tone: 'warn' | 'bad', text: string): void {
    this.#add({ kind: 'note', channel: this.channel, tone, text, time: Date.now() })
  }

  #add (entry: Entry): void {
    this.#recent.add(entry)
    this.added.emit(entry)
  }
}
