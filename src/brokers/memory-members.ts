import { LEAVE_MS, MAX_MEMBERS, type MemberBook, type MemberList, type MemberReceiver, type Roster } from './broker.js'
import { Announced } from './announced.js'

const NOBODY: Roster = new Map()

interface ChannelMembers {
  /** Each member with the timer of its leave, while it has no connection. */
  readonly members: Map<string, NodeJS.Timeout | undefined>
  readonly announced: Announced
}

/** The members of channels in this process. Every step is synchronous, so that the list and its companion cannot diverge. */
export class MemoryMembers implements MemberBook {
  readonly #receiver: MemberReceiver | undefined
  readonly #publish: (channel: string, message: string) => void
  readonly #channels = new Map<string, ChannelMembers>()
  #closed = false

  /** @param publish publishes a change on the companion of a channel */
  constructor (receiver: MemberReceiver | undefined, publish: (channel: string, message: string) => void) {
    this.#receiver = receiver
    this.#publish = publish
  }

  /** Number of channels that have members. */
  get size (): number {
    return this.#channels.size
  }

  changed (channel: string, sub: string): void {
    if (this.#closed) return
    const isConnected = this.#roster(channel).has(sub)
    if (isConnected && !this.#channels.has(channel)) this.#channels.set(channel, { members: new Map(), announced: new Announced() })
    const members = this.#channels.get(channel)?.members
    if (members === undefined) return
    const leaving = members.get(sub)
    if (isConnected && leaving !== undefined) {
      clearTimeout(leaving)
      members.set(sub, undefined)
    } else if (isConnected && !members.has(sub)) {
      members.set(sub, undefined)
      this.#tell(channel, sub, true)
    } else if (!isConnected && leaving === undefined && members.has(sub)) {
      members.set(sub, setTimeout(() => { this.#leave(channel, sub) }, LEAVE_MS).unref())
    }
  }

  read (channel: string): Promise<MemberList> {
    const { members } = this.#channels.get(channel) ?? { members: NOBODY }
    const roster = this.#roster(channel)
    if (members.size > MAX_MEMBERS) return Promise.resolve({ count: members.size, members: undefined })
    const list = [...members.keys()].sort().map((sub) => ({ sub, connections: roster.get(sub)?.connections ?? 0 }))
    return Promise.resolve({ count: members.size, members: list })
  }

  /** Ends the timers. No further change is published. */
  close (): void {
    this.#closed = true
    for (const { members } of this.#channels.values()) for (const leaving of members.values()) clearTimeout(leaving)
    this.#channels.clear()
  }

  #leave (channel: string, sub: string): void {
    const { members } = this.#channels.get(channel) as ChannelMembers
    members.delete(sub)
    this.#tell(channel, sub, false)
    if (members.size === 0) this.#channels.delete(channel)
  }

  #tell (channel: string, sub: string, joined: boolean): void {
    const { members, announced } = this.#channels.get(channel) as ChannelMembers
    for (const message of announced.update(sub, members)) this.#publish(channel, message)
    this.#receiver?.memberChanged({ channel, sub, joined })
  }

  #roster (channel: string): Roster {
    return this.#receiver?.roster(channel) ?? NOBODY
  }
}
