import { isCluster } from '../connection/connection.js'
import type { Connection } from '../connection/link.js'
import { rejectionOf } from '../connection/refusal.js'
import type { Names } from '../names.js'
import { Announcements } from './announcements.js'
import { ReceiptMessages, type ReceiptMessagesPorts } from './receipt-messages.js'
import { SubscriberCounts, type SubscriberCountsPorts } from './subscriber-counts.js'

/** The text of a request for a witness (failover/register.ts). */
const WITNESS_REQUEST = '{"witness":true}'

/** Dependencies of {@link InstanceMessages}. */
export interface InstanceMessagesPorts
  extends Omit<SubscriberCountsPorts, 'send'>, Pick<ReceiptMessagesPorts, 'onReceiptAsked' | 'onReceiptReported'> {
  /** Sends. */
  readonly commands: Connection
  /** Receives: that of the notifications, or in a cluster that of the commands, which has a subscriber of its own. */
  readonly subscriber: Connection
  readonly names: Names
  /** Whether messages may be sent now. */
  readonly canSend: () => boolean
  /** Called with each new announcement. */
  readonly onAnnouncement: (text: string) => void
  /** Called when another instance requests a witness. */
  readonly onWitnessRequest: () => void
}

/**
 * The messages between instances by pub/sub. Not received on the connection of the commands: Redis ends one that has subscribed to
 * anything when 32 MB of answers are unread (`client-output-buffer-limit pubsub`), as when many subscribers return at once.
 */
export class InstanceMessages {
  readonly announcements: Announcements
  readonly counts: SubscriberCounts
  readonly receipts: ReceiptMessages
  readonly #ports: InstanceMessagesPorts
  #joined = false

  constructor (instance: string, ports: InstanceMessagesPorts) {
    const { commands, names, onAnnouncement } = this.#ports = ports
    this.announcements = new Announcements(commands, {
      key: names.announcements,
      name: names.announced,
      subscribe: () => this.#subscribe(names.announced),
      onAnnouncement
    })
    this.counts = new SubscriberCounts(instance, {
      timings: ports.timings,
      count: (channel) => ports.count(channel),
      occupied: () => ports.occupied(),
      send: (text) => this.#send(text),
      claims: ports.claims
    })
    this.receipts = new ReceiptMessages(instance, {
      ...ports,
      join: () => this.#joined ? undefined : this.join(),
      send: (text) => this.#reach(text),
      others: (channel) => this.counts.others(channel)
    })
  }

  /** Subscribes to the other instances' messages unless subscribed; after a failure it is to be called again. */
  async join (): Promise<void> {
    if (this.#joined) return
    if (await rejectionOf(this.#subscribe(this.#ports.names.counts)) !== undefined) return
    this.#joined = true
    this.counts.connected()
  }

  /** To be called when the connection is lost. */
  disconnected (): void {
    this.#joined = false
    this.counts.disconnected()
  }

  /** Requests that the other instances witness the registration of this one. */
  requestWitness (): void {
    const { commands: { client }, names } = this.#ports
    void rejectionOf(client.publish(names.counts, WITNESS_REQUEST))
  }

  async #subscribe (name: string): Promise<void> {
    const { subscriber: { client }, names } = this.#ports
    // At the end of its last sharded subscription ioredis 6.0.0 assumes the end of all others (DataHandler): this one does not end.
    if (!isCluster(client)) await client.ssubscribe(names.silent)
    await client.subscribe(name)
  }

  #send (text: string): boolean {
    const { commands: { client }, names, canSend } = this.#ports
    if (!canSend()) return false
    void rejectionOf(client.publish(names.counts, text))
    return true
  }

  /** Sends a text; resolves with the number of other instances that have it, `undefined` where that is unknown. */
  async #reach (text: string): Promise<number | undefined> {
    const { commands: { client }, names, canSend } = this.#ports
    if (!canSend() || !this.#joined) return undefined
    const reached = await client.publish(names.counts, text).catch(() => undefined)
    // A node of a cluster knows only its own subscribers.
    return reached === undefined || isCluster(client) ? undefined : reached - 1
  }

  /** Takes a message of a subscription; unknown ones are ignored. */
  receive (name: string, text: string): void {
    if (name === this.#ports.names.announced) this.announcements.receive(text)
    else if (text === WITNESS_REQUEST) this.#ports.onWitnessRequest()
    else if (!this.receipts.receive(text)) this.counts.receive(text)
  }
}
