import { channelOf, isCompanion } from '../../../wire/companion.js'
import { type MemberBook, type MemberList, type MemberReceiver, MAX_MEMBERS } from '../../broker.js'
import { forEachConcurrently } from '../connection/concurrency.js'
import { rejectionOf } from '../connection/refusal.js'
import type { Timings } from '../connection/timings.js'
import type { ClaimsPorts } from '../nodes/subscriber-counts.js'
import { Claimants } from './claimants.js'
import { Leaving } from './leaving.js'
import type { MemberStore, MemberUpdate } from './member-store.js'
import type { ClaimedMember, SetAnswer } from './parse.js'
import { type Changes, Work } from './work.js'

/** Dependencies of {@link RedisMembers}. */
export interface RedisMembersPorts {
  readonly store: MemberStore
  /** Absent where no channel has members: nothing is sent then. */
  readonly receiver: MemberReceiver | undefined
  /** Names of the channels that have subscribers on this instance. */
  readonly occupied: () => Iterable<string>
  readonly timings: Pick<Timings, 'nodeTtlMs' | 'reportMs'>
  /** Whether commands can be sent now. */
  readonly ready: () => boolean
  /** Called with a line for the log when members cannot be kept although the engine is ready. */
  readonly onError: (text: string) => void
}

/**
 * The members of channels in Redis. This instance claims its own: what is sent is its state, never a step, so that a command may be
 * repeated; one command a channel is on its way at a time.
 */
export class RedisMembers implements MemberBook, ClaimsPorts {
  readonly #ports: RedisMembersPorts
  readonly #claimants: Claimants
  readonly #work = new Map<string, Work>()
  readonly #leaving = new Leaving((channel, sub) => { this.changed(channel, sub) })
  /** The channels that are noted for this claimant. */
  readonly #noted = new Set<string>()
  /** The members that were claimed, by channel: that they come back into lost data is no join. */
  readonly #claimed = new Map<string, Set<string>>()
  readonly #timer: NodeJS.Timeout | undefined
  #sweeping = false
  #complaint = ''

  constructor (ports: RedisMembersPorts) {
    this.#ports = ports
    this.#claimants = new Claimants(ports.timings.nodeTtlMs)
    if (ports.receiver !== undefined) this.#timer = setInterval(() => { this.#tick() }, ports.timings.reportMs).unref()
  }

  get claimant (): string | undefined {
    return this.#claimants.own[0]
  }

  heard (claimant: string): void {
    this.#claimants.heard(claimant, performance.now())
  }

  spared (suspended: boolean): void {
    // The others may have taken this instance for dead.
    if (suspended) this.renew()
    else this.#claimants.spare(performance.now())
  }

  changed (channel: string, sub: string): void {
    this.#mark(channel, { subs: new Set([sub]), complete: false })
  }

  async read (channel: string): Promise<MemberList> {
    const { count, members } = await this.#ports.store.list(channel)
    if (count > MAX_MEMBERS) return { count, members: undefined }
    const isAlive = ([claimant]: [string, number]): boolean => !this.#claimants.isDead(claimant, performance.now())
    // Those whose instances are dead are about to leave, or to return without a message: the list has to be that of the messages.
    const list = members.map(({ sub, claims }) => {
      return { sub, connections: [...claims].filter(isAlive).reduce((sum, [, connections]) => sum + connections, 0) }
    })
    this.#examine(channel, members)
    return { count: list.length, members: list.sort((a, b) => a.sub < b.sub ? -1 : 1) }
  }

  /** Claims all members of this instance anew. To be called when commands, or data of Redis, may be lost. */
  renew (): void {
    if (this.#ports.receiver === undefined) return
    // Nothing could be heard meanwhile, and the next sweep may come before the next report.
    this.#claimants.spare(performance.now())
    const noted = [...this.#noted]
    this.#noted.clear()
    const rosters = Array.from(this.#ports.receiver.rosters(), ([channel]) => channel)
    if (this.claimant === undefined && rosters.length === 0) return
    this.#claimants.renew()
    for (const channel of new Set([...noted, ...rosters, ...this.#work.keys()])) this.#mark(channel, { subs: new Set(), complete: true })
  }

  /** Compares the members of the channels of this instance with Redis. To be called periodically. */
  async audit (): Promise<void> {
    const { receiver, occupied } = this.#ports
    if (receiver === undefined) return
    const channels = new Set(Array.from(receiver.rosters(), ([channel]) => channel))
    for (const name of occupied()) if (isCompanion(name)) channels.add(channelOf(name))
    await forEachConcurrently(channels, async (channel) => { await rejectionOf(this.read(channel)) })
  }

  close (): void {
    clearInterval(this.#timer)
    this.#leaving.clear()
  }

  #mark (channel: string, changes: Changes): void {
    if (this.#ports.receiver === undefined) return
    const work = this.#work.get(channel) ?? new Work()
    this.#work.set(channel, work)
    work.add(changes)
    if (!work.running && this.#ports.ready()) void this.#run(channel, work)
  }

  async #run (channel: string, work: Work): Promise<void> {
    work.running = true
    while (!work.isEmpty && this.#ports.ready()) {
      const changes = work.take()
      const refusal = await rejectionOf(this.#send(channel, changes))
      if (refusal === undefined) continue
      // The next tick tries again.
      work.add(changes)
      this.#complain(refusal)
      break
    }
    work.running = false
    if (work.isEmpty) this.#work.delete(channel)
  }

  async #send (channel: string, { subs, complete }: Changes): Promise<void> {
    const { store, receiver } = this.#ports
    if (this.claimant === undefined) this.#claimants.renew()
    const roster = (receiver as MemberReceiver).roster(channel)
    const claimant = this.claimant as string
    if (roster.size > 0 && !this.#noted.has(channel)) {
      await store.note(claimant, channel)
      this.#noted.add(channel)
    }
    // It was renewed meanwhile, and its members are to be sent under the new name.
    if (claimant !== this.claimant) { this.#noted.delete(channel); this.#mark(channel, { subs, complete: true }); return }
    const sent = new Set(complete ? roster.keys() : subs)
    const connected = [...sent].filter((sub) => roster.has(sub))
    await this.#update(channel, { own: this.#claimants.own, complete, subs: sent, roster })
    const claimed = complete ? new Set<string>() : this.#claimed.get(channel) ?? new Set()
    for (const sub of sent) claimed.delete(sub)
    for (const sub of connected) {
      claimed.add(sub)
      this.#leaving.delete(channel, sub)
    }
    if (claimed.size > 0) this.#claimed.set(channel, claimed)
    else this.#claimed.delete(channel)
    if (claimed.size > 0 || this.#leaving.has(channel) || !this.#noted.delete(channel)) return
    await store.forget(claimant, channel)
  }

  async #update (channel: string, update: MemberUpdate): Promise<SetAnswer> {
    const { store, receiver } = this.#ports
    const answer = await store.set(channel, update)
    const claimed = this.#claimed.get(channel)
    for (const sub of answer.joined) if (claimed?.has(sub) !== true) receiver?.memberChanged({ channel, sub, joined: true })
    for (const sub of answer.left) receiver?.memberChanged({ channel, sub, joined: false })
    for (const [sub, ms] of answer.waiting) this.#leaving.set(channel, sub, ms)
    return answer
  }

  /** Removes claims of dead claimants, and repairs those of this instance where they are not what they should be. */
  #examine (channel: string, members: readonly ClaimedMember[]): void {
    const { receiver, ready } = this.#ports
    if (receiver === undefined || this.#work.has(channel)) return
    const now = performance.now()
    const dead = new Set(members.flatMap(({ claims }) => [...claims.keys()].filter((claimant) => this.#claimants.isDead(claimant, now))))
    if (dead.size > 0 && ready()) void rejectionOf(this.#update(channel, { own: this.#claimants.own, dead: [...dead], roster: new Map() }))
    const roster = receiver.roster(channel)
    const { claimant = '' } = this
    const claimed = new Map(members.flatMap(({ sub, claims }) => claims.has(claimant) ? [[sub, claims.get(claimant)]] : []))
    const isRight = claimed.size === roster.size && [...roster].every(([sub, { connections }]) => claimed.get(sub) === connections)
    if (!isRight) this.#mark(channel, { subs: new Set(), complete: true })
  }

  /** Logs an error when it is another one than last time. While the engine is away, that is known. */
  #complain (error: unknown): void {
    const { cause, stack } = error as Error
    const text = `Members cannot be kept in Redis: ${cause instanceof Error ? cause.message : String(stack)}`
    if (text === this.#complaint || !this.#ports.ready()) return
    this.#complaint = text
    this.#ports.onError(text)
  }

  #tick (): void {
    if (!this.#ports.ready()) return
    for (const [channel, work] of this.#work) if (!work.running) void this.#run(channel, work)
    if (!this.#sweeping) void rejectionOf(this.#sweep())
  }

  /** Ends the claims of dead claimants. Every instance does it, so that it does not depend on any one of them. */
  async #sweep (): Promise<void> {
    const { store } = this.#ports
    this.#sweeping = true
    try {
      for (const claimant of await store.claimants()) {
        if (!this.#claimants.isDead(claimant, performance.now())) continue
        const left = new Set(await store.channelsOf(claimant))
        await forEachConcurrently([...left], async (channel) => {
          const refusal = await rejectionOf(this.#end(claimant, channel, left))
          if (refusal !== undefined) this.#complain(refusal)
        })
        if (left.size === 0) await store.remove(claimant)
      }
    } finally {
      this.#sweeping = false
    }
  }

  /** Ends the claims of a dead claimant in a channel; removes it from `left` unless members there are about to leave. */
  async #end (claimant: string, channel: string, left: Set<string>): Promise<void> {
    const { waiting } = await this.#update(channel, { own: this.#claimants.own, dead: [claimant], roster: new Map() })
    if (waiting.length > 0) return
    await this.#ports.store.forget(claimant, channel)
    left.delete(channel)
  }
}
