import type { FastifyError } from '@fastify/error'
import type { Subscriber } from '../channels/subscriber.js'
import { TokenExpiredError, TokenRevokedError } from '../errors.js'
import type { Grant } from './grant.js'
import type { Revocations } from './revocations.js'

/** The length of a slot; subscriptions whose grants end within the same one are ended together. */
const SLOT_MS = 100
const NEVER = Infinity

/** Dependencies of {@link GrantExpiry}. */
export interface GrantExpiryPorts {
  readonly revocations: Revocations
  /** Ends a subscription. */
  refuse (subscriber: Subscriber, error: FastifyError): void
}

interface Expiring {
  readonly grant: Grant
  /** The slot in which the grant ends. */
  readonly slot: number
}

/**
 * Ends subscriptions with their grants. One timer serves all: subscriptions are kept in slots of time, and each slot is examined once.
 */
export class GrantExpiry {
  readonly #ports: GrantExpiryPorts
  readonly #expiring = new Map<Subscriber, Expiring>()
  readonly #slots = new Map<number, Set<Subscriber>>()
  /** The last examined slot. */
  #passed = 0
  #timer: NodeJS.Timeout | undefined

  constructor (ports: GrantExpiryPorts) {
    this.#ports = ports
  }

  get size (): number {
    return this.#expiring.size
  }

  /** Ends a subscription with 4401 when its grant expires or is revoked, unless it is deleted before. Replaces an earlier grant. */
  add (subscriber: Subscriber, grant: Grant): void {
    this.delete(subscriber)
    if (!grant.canEnd) return
    // Also back, where the clock was put back: examined slots are empty and may be examined again.
    const before = slotOf(Date.now()) - 1
    if (this.#slots.size === 0 || before < this.#passed) this.#passed = before
    // A grant that has already ended ends with the next slot.
    const slot = Math.max(slotOf(grant.expiresAt + SLOT_MS - 1), this.#passed + 1)
    this.#expiring.set(subscriber, { grant, slot })
    if (slot === NEVER) return
    const subscribers = this.#slots.get(slot)
    if (subscribers === undefined) this.#slots.set(slot, new Set([subscriber]))
    else subscribers.add(subscriber)
    this.#wait()
  }

  /** Removes an ended subscription. */
  delete (subscriber: Subscriber): void {
    const expiring = this.#expiring.get(subscriber)
    if (expiring === undefined) return
    this.#expiring.delete(subscriber)
    const subscribers = this.#slots.get(expiring.slot)
    subscribers?.delete(subscriber)
    if (subscribers?.size === 0) this.#slots.delete(expiring.slot)
  }

  /** To be called after a new revocation. */
  revoke (): void {
    for (const [subscriber, { grant }] of this.#expiring) {
      if (this.#ports.revocations.has(grant)) this.#end(subscriber, new TokenRevokedError())
    }
  }

  /** Ends the timer; no further subscription is ended. */
  close (): void {
    clearTimeout(this.#timer)
    this.#expiring.clear()
    this.#slots.clear()
  }

  #wait (): void {
    this.#timer ??= setTimeout(() => { this.#tick() }, SLOT_MS - Date.now() % SLOT_MS).unref()
  }

  #tick (): void {
    this.#timer = undefined
    const current = slotOf(Date.now())
    for (const slot of this.#due(current)) {
      for (const subscriber of this.#slots.get(slot) ?? []) this.#end(subscriber, new TokenExpiredError())
    }
    this.#passed = Math.max(this.#passed, current)
    if (this.#slots.size > 0) this.#wait()
  }

  /** The unexamined slots up to this one. After the clock was put forward by years they outnumber the slots in use. */
  #due (current: number): number[] {
    const count = Math.max(0, current - this.#passed)
    if (count > this.#slots.size) return [...this.#slots.keys()].filter((slot) => slot <= current)
    return Array.from({ length: count }, (_, index) => this.#passed + 1 + index)
  }

  #end (subscriber: Subscriber, error: FastifyError): void {
    this.delete(subscriber)
    this.#ports.refuse(subscriber, error)
  }
}

function slotOf (time: number): number {
  return Math.floor(time / SLOT_MS)
}
