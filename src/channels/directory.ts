import type { Broker, Member, MemberList } from '../brokers/broker.js'
import { QueryInvalidError } from '../errors.js'
import { channelOf, companionOf } from '../wire/companion.js'
import { formatId } from '../wire/id.js'
import type { ChannelNames, CompanionRule } from './name.js'

const DEFAULT_LIMIT = 100
const MAX_LISTED = 1_000

/** The channels to list. */
export interface ListOptions {
  /** The beginning of their names. Default: any. */
  readonly prefix?: string | undefined
  /** How many at most, from 1 to 1,000. Default 100. */
  readonly limit?: number | undefined
}

/** Channels with subscribers. */
export interface ChannelList {
  /** In the order of their names, by code unit. */
  readonly channels: readonly { readonly channel: string, readonly subscribers: number }[]
  /** Whether there are more than the limit. */
  readonly more: boolean
}

/** The members of a channel in the form of its companion: the messages after `id` continue the list. */
export interface CompanionState {
  readonly channel: string
  /** In the order of their names; absent where there are more than 1,000. */
  readonly members?: readonly Member[]
  /** The number of members where there are more than 1,000. */
  readonly count?: number
  readonly id: string
}

/** The state of a channel on all instances; `id` is its last message. */
export interface ChannelState extends CompanionState {
  readonly subscribers: number
}

/** Dependencies of {@link Directory}. */
export interface DirectoryPorts {
  readonly names: ChannelNames
  readonly rules: CompanionRule
  readonly broker: Pick<Broker, 'occupied' | 'count' | 'read' | 'members'>
}

const NOBODY: MemberList = { count: 0, members: [] }

/** Lists the channels and their members on all instances. */
export class Directory {
  readonly #ports: DirectoryPorts

  constructor (ports: DirectoryPorts) {
    this.#ports = ports
  }

  /** The first channels with subscribers, in the order of their names. Rejects with MSG_ERR_QUERY_INVALID. */
  async list (options?: ListOptions | null): Promise<ChannelList> {
    const { broker } = this.#ports
    const { prefix = '', limit = DEFAULT_LIMIT } = options ?? {}
    if (typeof prefix !== 'string') throw new QueryInvalidError('prefix must be a text')
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LISTED)
      throw new QueryInvalidError(`limit must be an integer from 1 to ${MAX_LISTED}, but is ${JSON.stringify(limit)}`)
    const names = firstOf(broker.occupied(), prefix, limit + 1)
    const channels = names.slice(0, limit).map((channel) => ({ channel, subscribers: broker.count(channel) }))
    return await Promise.resolve({ channels, more: names.length > limit })
  }

  /** Rejects with MSG_ERR_CHANNEL_INVALID, MSG_ERR_CHANNEL_RESERVED and MSG_ERR_ENGINE_UNAVAILABLE. */
  async members (channel: string): Promise<ChannelState> {
    const { names, rules, broker } = this.#ports
    names.assertSubscribable(channel)
    const id = await this.#positionOf(channel)
    const list = rules.hasMembers(channel) ? await broker.members.read(channel) : NOBODY
    return { channel, subscribers: broker.count(channel), ...shown(list), id }
  }

  /** The members of the channel of a companion. Rejects with MSG_ERR_ENGINE_UNAVAILABLE. */
  async companion (name: string): Promise<CompanionState> {
    const channel = channelOf(name)
    // Before the list, so that a change in between is in both: it can be applied twice, and could not be missed.
    const id = await this.#positionOf(companionOf(channel))
    return { channel: name, ...shown(await this.#ports.broker.members.read(channel)), id }
  }

  async #positionOf (channel: string): Promise<string> {
    const { epoch, head } = await this.#ports.broker.read(channel, 'now', 0)
    return formatId(epoch, head)
  }
}

function shown ({ members, count }: MemberList): Pick<CompanionState, 'members' | 'count'> {
  return members === undefined ? { count } : { members }
}

/** The first `count` of the names with a prefix in their order, without sorting all of them. */
function firstOf (names: Iterable<string>, prefix: string, count: number): string[] {
  const first: string[] = []
  for (const name of names) {
    if (!name.startsWith(prefix) || (first.length === count && name > (first.at(-1) as string))) continue
    first.splice(indexIn(first, name), 0, name)
    if (first.length > count) first.pop()
  }
  return first
}

/** The index at which a name belongs into a sorted list. */
function indexIn (sorted: readonly string[], name: string): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as string) < name) low = middle + 1
    else high = middle
  }
  return low
}
