import type { Connection } from '../connection/link.js'
import { rejectionOf } from '../connection/refusal.js'

/** Dependencies of {@link Announcements}. */
export interface AnnouncementsPorts {
  /** The key of kept announcements: a sorted set by expiry. */
  readonly key: string
  /** The name of the pub/sub channel for new ones. */
  readonly name: string
  /** Subscribes to that channel, unless subscribed. */
  readonly subscribe: () => Promise<void>
  /** Called with each new announcement. */
  readonly onAnnouncement: (text: string) => void
}

/**
 * Announcements to all instances, those that start later included. Each instance keeps its known announcements, and restores them on
 * a server that has lost them.
 */
export class Announcements {
  readonly #connection: Connection
  readonly #ports: AnnouncementsPorts
  /** The expiry of each announcement, in milliseconds since 1970. */
  readonly #known = new Map<string, number>()

  constructor (connection: Connection, ports: AnnouncementsPorts) {
    this.#connection = connection
    this.#ports = ports
  }

  /** Keeps an announcement and publishes it. */
  async announce (text: string, until: number): Promise<void> {
    await this.#connection.client.messengerAnnounce(this.#ports.key, text, Math.ceil(until), this.#ports.name)
    this.#take(text, until)
  }

  /** Takes a published announcement; anything else is ignored. */
  receive (published: string): void {
    const announcement = parseAnnouncement(published)
    if (announcement !== undefined) this.#take(...announcement)
  }

  /**
   * Subscribes to new announcements and reads the kept ones; resolves when all earlier ones are known. To be called periodically.
   */
  async catchUp (): Promise<void> {
    // In this order, so that no announcement falls between the two. The next call finds those of a failed subscription.
    const { client } = this.#connection
    await rejectionOf(this.#ports.subscribe())
    const now = Date.now()
    const kept = parseKeptAnnouncements(await client.zrange(this.#ports.key, now, '+inf', 'BYSCORE', 'WITHSCORES'))
    for (const [text, until] of kept) this.#take(text, until)
    await Promise.all([...this.#known].map(async ([text, until]) => {
      if (until <= now) this.#known.delete(text)
      else if (!kept.has(text)) await client.messengerAnnounce(this.#ports.key, text, Math.ceil(until), this.#ports.name)
    }))
  }

  #take (text: string, until: number): void {
    if (this.#known.has(text)) return
    this.#known.set(text, until)
    this.#ports.onAnnouncement(text)
  }
}

/** A published announcement, `<until> <text>`; `undefined` for anything else. Cannot throw. */
export function parseAnnouncement (published: string): [text: string, until: number] | undefined {
  const [, until, text] = /^(\d{1,16}) (.*)$/s.exec(published) ?? []
  return until !== undefined && text !== undefined ? [text, Number(until)] : undefined
}

/** Members and scores of a sorted set, one after the other or, with version 3 of the protocol, in pairs. */
export function parseKeptAnnouncements (answer: unknown): Map<string, number> {
  const list = Array.isArray(answer) ? (answer as unknown[]).flat() : []
  const kept = new Map<string, number>()
  for (let index = 0; index + 1 < list.length; index += 2) {
    const [text, score] = list.slice(index, index + 2)
    const until = typeof score === 'string' || typeof score === 'number' ? Number(score) : NaN
    if (typeof text === 'string' && Number.isFinite(until)) kept.set(text, until)
  }
  return kept
}
