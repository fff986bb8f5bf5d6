import type { Feeds } from '../live/feeds.js'
import type { Entry } from '../live/entry.js'
import { preview } from '../json/preview.js'
import { count } from '../service/format.js'
import { byId, setText } from './dom.js'

/** A screen reader is told no more often, and not of every message. */
const INTERVAL_MS = 5_000

/** Tells a screen reader what has come. */
export class Announcer {
  readonly #feeds: Feeds
  readonly #listening = new Set<unknown>()
  #since = new Map<string, { messages: number, last: Entry }>()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor (feeds: Feeds) {
    this.#feeds = feeds
    feeds.changed.on(() => { this.#listen() })
    this.#listen()
  }

  #listen (): void {
    for (const feed of this.#feeds.all) {
      if (this.#listening.has(feed)) continue
      this.#listening.add(feed)
      feed.added.on((entry) => {
        this.#since.set(entry.channel, { messages: (this.#since.get(entry.channel)?.messages ?? 0) + 1, last: entry })
        this.#timer ??= setTimeout(() => { this.#tell() }, INTERVAL_MS / 5)
      })
    }
    for (const feed of this.#listening) if (!(this.#feeds.all as unknown[]).includes(feed)) this.#listening.delete(feed)
  }

  #tell (): void {
    const told = [...this.#since].slice(0, 3).map(([channel, { messages, last }]) =>
      messages > 1 ? `${channel}: ${count(messages, 'new message')}` : `${channel}: ${last.kind === 'message' ? preview(last.json).slice(0, 100) : last.text}`)
    setText(byId('announcement'), told.join('. '))
    this.#since = new Map()
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#since.size > 0) this.#tell()
    }, INTERVAL_MS)
  }
}
