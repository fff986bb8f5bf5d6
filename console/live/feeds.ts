import type { Options } from '../../src/client/index.js'
import { Signal } from '../signal.js'
import { Feed } from './feed.js'

/** The feeds of the page by channel. A feed lives as long as a tail shows it. */
export class Feeds {
  readonly changed = new Signal()
  readonly unauthorized = new Signal()
  readonly #feeds = new Map<string, { feed: Feed, users: number }>()

  constructor (readonly options: Pick<Options, 'server' | 'token'>) {}

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
    const feed = new Feed(channel, this.options)
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

  /** Connects all of them anew, at once and together: with another token they share a connection again. */
  reconnect (): void {
    for (const feed of this.all) feed.connect()
  }
}
