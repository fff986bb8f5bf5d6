import type { Test } from 'tap'
import type { MemberChange, MemberReceiver, Roster } from '../../../src/brokers/broker.js'
import { RedisBroker } from '../../../src/brokers/redis/redis.js'
import { eventually } from '../../eventually.js'
import { TestNode } from '../test-node.js'
import { type NodeOptions, TEST_TIMINGS } from './redis-node.js'

/** A node on which members are connected. */
export class MemberNode extends TestNode implements MemberReceiver {
  readonly changes: MemberChange[] = []
  /** The prefix of its keys. */
  prefix = ''
  readonly #rosters = new Map<string, Map<string, { connections: number }>>()

  get members (): this {
    return this
  }

  roster (channel: string): Roster {
    return this.#rosters.get(channel) ?? new Map()
  }

  rosters (): Iterable<[string, Roster]> {
    return this.#rosters
  }

  memberChanged (change: MemberChange): void {
    this.changes.push(change)
  }

  set (sub: string, connections: number, channel = 'room'): void {
    const roster = this.#rosters.get(channel) ?? new Map<string, { connections: number }>()
    if (connections === 0) roster.delete(sub)
    else roster.set(sub, { connections })
    if (roster.size === 0) this.#rosters.delete(channel)
    else this.#rosters.set(channel, roster)
    this.broker.members.changed(channel, sub)
  }

  async list (channel = 'room'): Promise<string> {
    const { members, count } = await this.broker.members.read(channel)
    return members?.map(({ sub, connections }) => `${sub}: ${connections}`).join() ?? String(count)
  }

  /** Resolves when the members are these. */
  async shows (list: string, channel = 'room'): Promise<void> {
    let last = ''
    await eventually(async () => (last = await this.list(channel).catch((error: unknown) => String(error))) === list, { message: () => `members ${list}, but ${last}` })
  }

  /** The messages of the companion. */
  async published (channel = 'room'): Promise<string[]> {
    const { entries } = await this.broker.read(`${channel}~presence`, 'earliest')
    return entries.map(({ message }) => message)
  }

  /** Ends without notice: what it has claimed stays. */
  async die (): Promise<void> {
    this.set = () => {}
    await this.broker.close()
  }
}

/** A node on which members are connected, and which is ready. */
export async function startMemberNode (t: Test, { timings, ...options }: NodeOptions): Promise<MemberNode> {
  const node = new MemberNode((receiver) => new RedisBroker(receiver, {
    keyPrefix: 'm:', size: 1_000, ttlMs: 60_000, ...options, timings: { ...TEST_TIMINGS, ...timings }
  }))
  node.prefix = options.keyPrefix ?? 'm:'
  t.teardown(() => node.broker.close())
  await node.broker.started
  await node.turned(true)
  return node
}
