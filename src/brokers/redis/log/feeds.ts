import type { Receiver, Replay, Since } from '../../broker.js'
import { forEachConcurrently } from '../connection/concurrency.js'
import { isCluster } from '../connection/connection.js'
import type { Link } from '../connection/link.js'
import { isTimeout, rejectionOf } from '../connection/refusal.js'
import { retry } from '../connection/retry.js'
import type { Subscriptions } from '../connection/subscriptions.js'
import type { Timings } from '../connection/timings.js'
import type { Names } from '../names.js'
import { CoalescedReads } from './coalesced-reads.js'
import { Feed } from './feed.js'
import { type LogStore, refuse } from './log-store.js'
import { parseNotification } from './parse.js'

/** Dependencies of {@link Feeds}. */
export interface FeedsPorts {
  readonly store: LogStore
  readonly subscriptions: Subscriptions
  /** The connection of the subscriptions. */
  readonly link: Link
  readonly names: Names
  readonly timings: Timings
  readonly receiver: Pick<Receiver, 'deliver' | 'moved'>
  /** Called when a channel has to catch up. */
  readonly onDue: () => void
}

/** The channels that this instance listens to, each with its feed. */
export class Feeds {
  readonly #ports: FeedsPorts
  readonly #feeds = new Map<string, Feed>()
  /** Channels that may have missed a message or a subscription. */
  readonly #suspects = new Set<string>()
  readonly #reads = new CoalescedReads<Replay>()

  constructor (ports: FeedsPorts) {
    this.#ports = ports
  }

  /** Reads a log, at most `limit` messages of it. */
  read (channel: string, since: Since, limit: number): Promise<Replay> {
    return this.#reads.ask(`${channel} ${JSON.stringify(since)} ${limit}`, async () => {
      const replay = await this.#ports.store.read(channel, since, limit)
      // The reader can continue with live messages only when they are of the same epoch.
      const feed = this.#feeds.get(channel)
      if (feed?.isBehind(replay.epoch) === true) await feed.catchUp()
      return replay
    })
  }

  /** Adds a channel unless it exists; once added it is subscribed and catches up in any case when Redis is back. */
  add (channel: string): Feed {
    return this.#feeds.get(channel) ?? this.#create(channel)
  }

  /**
   * Subscribes to an added channel and starts its delivery. Retries within the time limit of a command: a cluster's client is ready
   * before it knows the Redis nodes to subscribe at, and loses them for a moment at each change of masters.
   */
  async begin (channel: string, feed: Feed): Promise<void> {
    const { subscriptions, timings: { commandMs, maxBackoffMs } } = this.#ports
    const deadline = performance.now() + commandMs
    await retry(async () => {
      await subscriptions.subscribe(channel).catch(refuse)
      await feed.catchUp()
    }, { maxBackoffMs, wanted: () => this.#feeds.get(channel) === feed && performance.now() < deadline })
  }

  remove (channel: string): void {
    if (!this.#feeds.delete(channel)) return
    this.#suspects.delete(channel)
    this.#ports.subscriptions.unsubscribe(channel)
  }

  /** Removes all. The subscriptions end with their connection. */
  clear (): void {
    this.#feeds.clear()
    this.#suspects.clear()
  }

  /** Takes a message of a sharded subscription. */
  notified (name: string, text: string): void {
    const channel = this.#ports.names.channelOf(name)
    const feed = this.#feeds.get(channel)
    // A subscription that could not be ended after the last subscriber ends with the next message.
    if (feed === undefined) { this.#ports.subscriptions.unsubscribe(channel); return }
    const entry = parseNotification(text)
    if (entry !== undefined) feed.notify(entry)
  }

  /** To be called when any channel may have missed a message. */
  suspectAll (): void {
    for (const channel of this.#feeds.keys()) this.#suspects.add(channel)
    this.#ports.onDue()
  }

  /** Subscribes to the suspected channels and delivers their missed messages. The failure of one does not delay the others. */
  async catchUp (): Promise<void> {
    const channels = [...this.#suspects]
    this.#suspects.clear()
    let failure: unknown
    await forEachConcurrently(channels, async (channel) => {
      const feed = this.#feeds.get(channel)
      // Removed during the pass.
      if (feed === undefined) return
      const refusal = await rejectionOf(this.#ports.subscriptions.subscribe(channel))
      const unread = await rejectionOf(feed.catchUp())
      if (refusal === undefined && unread === undefined) return
      // The log answers and the subscription does not. Other connections than those of a cluster are monitored (Link).
      if (unread === undefined && isTimeout(refusal) && isCluster(this.#ports.link.client)) this.#ports.link.reconnect()
      failure = refusal ?? unread
      this.#suspect(channel)
    })
    if (failure !== undefined) throw failure as Error
  }

  /** Keeps the positions of all channels from expiring, and finds messages that were lost silently. */
  async audit (): Promise<void> {
    await forEachConcurrently(this.#feeds, async ([channel, feed]) => {
      const refusal = await rejectionOf(this.#ports.store.touch(channel).then((position) => {
        if (position?.epoch !== feed.epoch || position.offset > feed.offset) this.#suspect(channel)
      }))
      if (refusal !== undefined) this.#suspect(channel)
    })
  }

  #create (channel: string): Feed {
    const { store, subscriptions, receiver } = this.#ports
    const feed = new Feed({
      read: (since, limit) => store.read(channel, since, limit),
      // The answer follows everything that the server sent before.
      arrived: () => subscriptions.subscribe(channel).catch(refuse),
      deliver: (entry) => { if (this.#feeds.get(channel) === feed) receiver.deliver(channel, entry) },
      moved: (position) => { if (this.#feeds.get(channel) === feed) receiver.moved(channel, position) },
      onLag: () => { this.#suspect(channel) }
    })
    this.#feeds.set(channel, feed)
    return feed
  }

  #suspect (channel: string): void {
    if (this.#feeds.has(channel)) this.#suspects.add(channel)
    this.#ports.onDue()
  }
}
