import type { Subscriber } from '../channels/subscriber.js'
import { Close, type CloseCode } from '../wire/close.js'
import type { Grant } from './grant.js'
import type { Revocations } from './revocations.js'

/** Subscriptions whose grants end within the same slot are ended together. */
const SLOT_MS = 100
const NEVER = Infinity

/** What sessions work with. */
export interface SessionsPorts {
  readonly revocations: Revocations
  /** Ends a subscription. */
  expel (subscriber: Subscriber, code: CloseCode, reason: string): void
}

interface Session {
  readonly grant: Grant
  /** The slot in which it ends. */
  readonly slot: number
}

/**
 * The subscriptions that last as long as a grant does. One timer for all of them: they are kept in slots of time, and a slot
 * is looked at once.
 */
export class Sessions {
  readonly #ports: SessionsPorts
  readonly #sessions = new Map<Subscriber, Session>()
  readonly #slots = new Map<number, Set<Subscriber>>()
  /** The slot that was looked at last. */
  #passed = 0
  #timer: NodeJS.Timeout | undefined

  constructor (ports: SessionsPorts) {
    this.#ports = ports
  }

  get size (): number {
    return this.#sessions.size
  }

  /** Ends a subscription with 4401 when its grant expires or is revoked, unless it is deleted before. */
  add (subscriber: Subscriber, grant: Grant): void {
    if (!grant.canEnd) return
    // Also back, where the clock was put back: slots that were looked at are empty and may be looked at again.
    const before = slotOf(Date.now()) - 1
    if (this.#slots.size === 0 || before < this.#passed) this.#passed = before
    // What has ended already ends with the next slot.
    const slot = Math.max(slotOf(grant.expiresAt + SLOT_MS - 1), this.#passed + 1)
    this.#sessions.set(subscriber, { grant, slot })
    if (slot === NEVER) return
    const subscribers = this.#slots.get(slot)
    if (subscribers === undefined) this.#slots.set(slot, new Set([subscriber]))
    else subscribers.add(subscriber)
    this.#wait()
  }

  /** Forgets a subscription that is over. */
  delete (subscriber: Subscriber): void {
    const session = this.#sessions.get(subscriber)
    if (session === undefined) return
    this.#sessions.delete(subscriber)
    const subscribers = this.#slots.get(session.slot)
    subscribers?.delete(subscriber)
    if (subscribers?.size === 0) this.#slots.delete(session.slot)
  }

  /** To be called when a revocation became known. */
  revoke (): void {
    for (const [subscriber, { grant }] of this.#sessions) {
      if (this.#ports.revocations.has(grant)) this.#end(subscriber, 'MSG_ERR_TOKEN_REVOKED')
    }
  }

  /** Watches no longer. */
  close (): void {
    clearTimeout(this.#timer)
    this.#sessions.clear()
    this.#slots.clear()
  }

  #wait (): void {
    this.#timer ??= setTimeout(() => { this.#tick() }, SLOT_MS - Date.now() % SLOT_MS).unref()
  }

  #tick (): void {
    this.#timer = undefined
    const current = slotOf(Date.now())
    for (const slot of this.#due(current)) {
      for (const subscriber of this.#slots.get(slot) ?? []) this.#end(subscriber, 'MSG_ERR_TOKEN_EXPIRED')
    }
    this.#passed = Math.max(this.#passed, current)
    if (this.#slots.size > 0) this.#wait()
  }

  /** The slots up to this one that were not looked at. When the clock was put forward by years there are more of them than are used. */
  #due (current: number): number[] {
    const count = Math.max(0, current - this.#passed)
    if (count > this.#slots.size) return [...this.#slots.keys()].filter((slot) => slot <= current)
    return Array.from({ length: count }, (_, index) => this.#passed + 1 + index)
  }

  #end (subscriber: Subscriber, reason: string): void {
    this.delete(subscriber)
    this.#ports.expel(subscriber, Close.UNAUTHORIZED, reason)
  }
}

function slotOf (time: number): number {
  return Math.floor(time / SLOT_MS)
}
