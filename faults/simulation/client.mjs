/** Epochs of which the last offset is kept. */
const KEPT_EPOCHS = 4
const ID = /^(.+):(\d+)$/

function parseId (id) {
  const [, epoch, offset] = ID.exec(id)
  return { epoch, offset: Number(offset) }
}

/**
 * A client as a browser has it, and what it was told in order: where it stood, what it was handed, and where it was told of a gap.
 * One with events resumes from its last id and drops what it had; a plain WebSocket begins anew with every connection.
 */
export class Client {
  name
  channel
  events
  /** Where it stands; `undefined` until it stands somewhere. */
  cursor
  /** When it was first told where it stands. */
  since
  /** In order: `{ from, to, at, gap }`, each move to another position that is not the next message. */
  moves = []
  /** Under which epoch each message was received, and after how many moves. */
  received = new Map()
  /** Messages that it was handed and dropped: it had stood behind them in that epoch, possibly from its first position on. */
  dropped = new Set()
  connection
  #lasts = new Map()
  #oracle

  constructor (name, channel, events, oracle) {
    this.name = name
    this.channel = channel
    this.events = events
    this.#oracle = oracle
  }

  /** A stream says where it stands. */
  subscribed ({ id, reason }) {
    const position = parseId(id)
    this.#move(position, reason !== undefined)
    this.#remember(position)
  }

  /** A plain WebSocket hears what comes after this position. */
  joined (position) {
    this.#move(position, true)
  }

  message (id, key) {
    const { epoch, offset } = parseId(id)
    this.#oracle.trace(() => `${this.name} gets ${id} ${key}`)
    const entry = this.#oracle.check(this, epoch, offset, key)
    if (this.events && offset <= (this.#lasts.get(epoch) ?? 0)) {
      this.dropped.add(entry)
      if (this.cursor.epoch === epoch && offset > this.cursor.offset) this.cursor = { epoch, offset }
      return
    }
    if (this.cursor === undefined) { this.#oracle.report('unannounced', `${this.name} gets ${id} and was not told where it stands`); return }
    if (epoch !== this.cursor.epoch) {
      if (this.events) this.#oracle.report('unannounced', `${this.name} gets ${id} after ${this.#at}, and no change was announced`)
      this.#move({ epoch, offset: offset - 1 }, false)
    } else if (offset !== this.cursor.offset + 1) {
      this.#oracle.report('hole', `${this.name} gets ${id} after ${this.#at}, and no gap was announced`)
    }
    if (entry !== undefined) this.#oracle.take(this, entry, epoch)
    this.cursor = { epoch, offset }
    this.#remember(this.cursor)
  }

  get #at () {
    return this.cursor === undefined ? 'nothing' : `${this.cursor.epoch}:${this.cursor.offset}`
  }

  #move (to, gap) {
    const from = this.cursor
    this.cursor = to
    if (from === undefined) this.since = this.#oracle.now
    else if (!gap && from.offset !== to.offset) this.#oracle.report('hole', `${this.name} is carried over from ${from.epoch}:${from.offset} to ${to.epoch}:${to.offset}`)
    this.#oracle.trace(() => `${this.name} ${gap ? 'GAP' : 'goes on'} from ${from === undefined ? 'nothing' : `${from.epoch}:${from.offset}`} to ${to.epoch}:${to.offset}`)
    this.moves.push({ from, to, at: this.#oracle.now, gap: gap || from === undefined })
    if (from !== undefined) this.#oracle.moved(this, this.moves.at(-1))
  }

  #remember ({ epoch, offset }) {
    const last = Math.max(this.#lasts.get(epoch) ?? 0, offset)
    this.#lasts.delete(epoch)
    this.#lasts.set(epoch, last)
    if (this.#lasts.size > KEPT_EPOCHS) this.#lasts.delete(this.#lasts.keys().next().value)
  }
}
