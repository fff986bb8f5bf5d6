import type { Broker, MemberChange, MemberReceiver, Roster } from '../brokers/broker.js'
import { ownText } from '../wire/text.js'
import type { ChannelEmitter } from './channel-emitter.js'
import type { MembershipObserver } from './membership.js'
import type { CompanionRule } from './name.js'
import type { Subscriber } from './subscriber.js'

const NOBODY: Roster = new Map()

interface LocalMember {
  readonly sub: string
  connections: number
}

/** The members of the channels on this instance: the subjects of the grants of its subscribers. */
export class Presence implements MembershipObserver, MemberReceiver {
  readonly #rules: CompanionRule
  readonly #events: ChannelEmitter
  readonly #rosters = new Map<string, Map<string, LocalMember>>()
  /** The subscribers that are connections of a member. */
  readonly #members = new Map<Subscriber, LocalMember>()
  #broker: Pick<Broker, 'members'> | undefined

  constructor (rules: CompanionRule, events: ChannelEmitter) {
    this.#rules = rules
    this.#events = events
  }

  /** Sets the broker that is told of changes; returns it. */
  attach<B extends Pick<Broker, 'members'>> (broker: B): B {
    this.#broker = broker
    return broker
  }

  /**
   * Sets the subject of the grant of a subscriber, possibly another one than before. Subscribers without a subject are no members. Does
   * nothing where the subscriber is in no channel whose members are known.
   */
  identify (subscriber: Subscriber, subject = ''): void {
    const { channel } = subscriber
    if (channel === undefined || !this.#rules.hasMembers(channel.name)) return
    const before = this.#members.get(subscriber)
    // The claim of a token is a slice of it.
    const sub = before?.sub === subject ? subject : ownText(subject)
    if ((before?.sub ?? '') === sub) return
    this.left(channel.name, subscriber)
    if (sub === '') return
    const roster = this.#rosters.get(channel.name) ?? new Map<string, LocalMember>()
    this.#rosters.set(channel.name, roster)
    const member = roster.get(sub) ?? { sub, connections: 0 }
    roster.set(sub, member)
    this.#members.set(subscriber, member)
    member.connections++
    this.#broker?.members.changed(channel.name, sub)
  }

  left (channel: string, subscriber: Subscriber): void {
    const member = this.#members.get(subscriber)
    if (member === undefined) return
    this.#members.delete(subscriber)
    const roster = this.#rosters.get(channel)
    if (--member.connections === 0) roster?.delete(member.sub)
    if (roster?.size === 0) this.#rosters.delete(channel)
    this.#broker?.members.changed(channel, member.sub)
  }

  occupied (channel: string): void {
    this.#events.emitLater('occupied', { channel })
  }

  vacated (channel: string): void {
    this.#events.emitLater('vacated', { channel })
  }

  roster (channel: string): Roster {
    return this.#rosters.get(channel) ?? NOBODY
  }

  rosters (): Iterable<[channel: string, roster: Roster]> {
    return this.#rosters
  }

  memberChanged ({ channel, sub, joined }: MemberChange): void {
    this.#events.emitLater(joined ? 'join' : 'leave', { channel, sub })
  }
}
