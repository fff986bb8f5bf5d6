import { ownText } from '../wire/text.js'
import { AddressFullError, FullError } from '../errors.js'
import type { LimitCounters, LimitName } from './limit-counters.js'

/** The maximum numbers of connections. */
export interface AdmissionsOptions {
  /** On this instance. */
  readonly maxConnections: number
  /** From one address. */
  readonly maxConnectionsPerAddress: number
}

/** The names of the limits, and the errors beyond them. */
export interface AdmissionLimits {
  readonly total: LimitName
  readonly address: LimitName
  readonly full: () => Error
  readonly addressFull: (count: number) => Error
}

const CONNECTIONS: AdmissionLimits = {
  total: 'maxConnections',
  address: 'maxConnectionsPerAddress',
  full: () => new FullError('MAX_CONNECTIONS'),
  addressFull: (count) => new AddressFullError(count)
}

/** The limits of subscriptions, of which a connection may have several. */
export const SUBSCRIPTIONS: AdmissionLimits = {
  total: 'maxSubscriptions',
  address: 'maxSubscriptionsPerAddress',
  full: () => new FullError('MAX_SUBSCRIPTIONS'),
  addressFull: () => new FullError('MAX_SUBSCRIPTIONS_PER_ADDRESS')
}

/** Counts connections, pending ones included, in total and by address. */
export class Admissions {
  readonly #options: AdmissionsOptions
  readonly #counters: LimitCounters
  readonly #addresses = new Map<string, number>()
  readonly #limits: AdmissionLimits
  #total = 0
  #queued = 0

  constructor (options: AdmissionsOptions, counters: LimitCounters, limits = CONNECTIONS) {
    this.#options = options
    this.#counters = counters
    this.#limits = limits
  }

  /** Connections, and requests that wait for `authorize`. */
  get total (): number {
    return this.#total - this.#queued
  }

  /** Counts a pipelined request: it takes a place without being part of the total. Throws like {@link enter}. */
  queue (address: string): void {
    this.enter(address)
    this.#queued++
  }

  /** Ends the count of {@link queue}. */
  dequeue (address: string): void {
    this.#queued--
    this.leave(address)
  }

  /** Throws MSG_ERR_FULL or MSG_ERR_ADDRESS_FULL where there is no place. */
  assertPlace (address: string): void {
    const { maxConnections, maxConnectionsPerAddress } = this.#options
    if (this.#total >= maxConnections) {
      this.#counters.hit(this.#limits.total)
      throw this.#limits.full()
    }
    const count = this.#addresses.get(address) ?? 0
    if (count >= maxConnectionsPerAddress) {
      this.#counters.hit(this.#limits.address)
      throw this.#limits.addressFull(count)
    }
  }

  /** Counts a connection; `leave` is to be called once for it. Throws, and counts nothing, where there is no place. */
  enter (address: string): void {
    this.assertPlace(address)
    const count = this.#addresses.get(address) ?? 0
    this.#addresses.set(count === 0 ? ownText(address) : address, count + 1)
    this.#total++
  }

  /** Ends the count of `enter`. */
  leave (address: string): void {
    this.#total--
    const count = (this.#addresses.get(address) as number) - 1
    if (count === 0) this.#addresses.delete(address)
    else this.#addresses.set(address, count)
  }
}
