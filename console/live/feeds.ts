import type { Options } from '../../src/client/index.js'
import { Signal } from '../signal.js'
import { Feed } from './feed.js'

/** The feeds of the page by channel. A feed lives as long as a tail shows it. */
export class Feeds {
  readonly changed = new Signal()
  readonly unauthorized = new Signal()
  readonly #feeds = new Map<string, { feed: Feed, users: number }>()

  constructor (readonly server: string, readonly token: Options['token']) {}

  get all (): Feed[] {
    return [...this.#feeds.values()].map(({ feed }) => feed)
  }

  get (channel: string): Feed | undefined {
    return this.#feeds.get(channel)?.feed
  }

  /** The feed of a channel, to be given back by {@link release}. */
  take (channel: string): Feed {
    const found = this.#feeds.get(channel)
    if (found !== undefined) {
      found.users++
      return found.feed
    }
    const feed = new Feed(channel, this.server, this.token)
    feed.changed.on(() => { this.changed.emit() })
    feed.unauthorized.on(() => { this.unauthorized.emit() })
    feed.connect()
    this.#feeds.set(channel, { feed, users: 1 })
    this.changed.emit()
    return feed
  }

  release (channel: string): void {
    const found = this.#feeds.get(channel)
    if (found === undefined || --found.users > 0) return
    this.#feeds.delete(channel)
    found.feed.close()
    this.changed.emit()
  }

  /** Connects what is not open, at once and not when its next attempt is due. */
  retry (): void {
    for (const feed of this.all) if (feed.state !== 'open') feed.connect()
  }
}
