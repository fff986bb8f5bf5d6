import type { Commands } from '../connection/connection.js'
import { refusalOf } from '../connection/refusal.js'

/** What notices work with. */
export interface NoticesPorts {
  /** Where they are kept: a sorted set, by the time until which each one is. */
  readonly key: string
  /** Where they are announced. */
  readonly name: string
  /** Takes one that was not known yet. */
  readonly show: (text: string) => void
}

/**
 * What nodes have to tell all others, also those that come later. Each node remembers what it knows and gives it back to a server
 * that has lost it.
 */
export class Notices {
  readonly #client: Commands
  readonly #ports: NoticesPorts
  /** Until when each one is kept, in milliseconds since 1970. */
  readonly #known = new Map<string, number>()

  constructor (client: Commands, ports: NoticesPorts) {
    this.#client = client
    this.#ports = ports
  }

  /** Keeps a notice and announces it. */
  async post (text: string, until: number): Promise<void> {
    await this.#client.messengerPost(this.#ports.key, text, Math.ceil(until), this.#ports.name)
    this.#take(text, until)
  }

  /** Takes an announcement; anything else is ignored. */
  receive (announcement: string): void {
    const notice = parseNotice(announcement)
    if (notice !== undefined) this.#take(...notice)
  }

  /** Hears announcements from now on and takes what is kept; resolves when everything is known that was posted before. To be called now and then. */
  async catchUp (): Promise<void> {
    // In this order, so that nothing falls between the two. What cannot be heard is found by the next call.
    await refusalOf(this.#client.subscribe(this.#ports.name))
    const now = Date.now()
    const kept = parseNotices(await this.#client.zrange(this.#ports.key, now, '+inf', 'BYSCORE', 'WITHSCORES'))
    for (const [text, until] of kept) this.#take(text, until)
    await Promise.all([...this.#known].map(async ([text, until]) => {
      if (until <= now) this.#known.delete(text)
      else if (!kept.has(text)) await this.#client.messengerPost(this.#ports.key, text, Math.ceil(until), this.#ports.name)
    }))
  }

  #take (text: string, until: number): void {
    if (this.#known.has(text)) return
    this.#known.set(text, until)
    this.#ports.show(text)
  }
}

/** An announcement, `<until> <text>`; `undefined` for anything else. Cannot throw. */
export function parseNotice (announcement: string): [text: string, until: number] | undefined {
  const [, until, text] = /^(\d{1,16}) (.*)$/s.exec(announcement) ?? []
  return until !== undefined && text !== undefined ? [text, Number(until)] : undefined
}

/** Members and scores of a sorted set, one after the other or, with version 3 of the protocol, in pairs. */
export function parseNotices (answer: unknown): Map<string, number> {
  const list = Array.isArray(answer) ? (answer as unknown[]).flat() : []
  const notices = new Map<string, number>()
  for (let index = 0; index + 1 < list.length; index += 2) {
    const [text, score] = list.slice(index, index + 2)
    const until = typeof score === 'string' || typeof score === 'number' ? Number(score) : NaN
    if (typeof text === 'string' && Number.isFinite(until)) notices.set(text, until)
  }
  return notices
}
