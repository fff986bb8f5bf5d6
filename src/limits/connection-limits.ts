import { ownText } from '../wire/text.js'
import { AddressFullError, FullError } from '../errors.js'
import type { LimitCounters, LimitName } from './limit-counters.js'

/** The maximum numbers of connections, or of what else is counted like them. */
export interface ConnectionLimitsOptions {
  /** On this instance. */
  readonly max: number
  /** From one address. */
  readonly maxPerAddress: number
}

/** The names of the limits, and the errors beyond them. */
export interface ConnectionLimitNames {
  readonly total: LimitName
  readonly address: LimitName
  readonly full: () => Error
  readonly addressFull: (count: number) => Error
}

const CONNECTIONS: ConnectionLimitNames = {
  total: 'maxConnections',
  address: 'maxConnectionsPerAddress',
  full: () => new FullError('MAX_CONNECTIONS'),
  addressFull: (count) => new AddressFullError(count)
}

/** The limits of subscriptions, of which a connection may have several. */
export const SUBSCRIPTIONS: ConnectionLimitNames = {
  total: 'maxSubscriptions',
  address: 'maxSubscriptionsPerAddress',
  full: () => new FullError('MAX_SUBSCRIPTIONS'),
  addressFull: () => new FullError('MAX_SUBSCRIPTIONS_PER_ADDRESS')
}

/** Counts connections, pending ones included, in total and by address. */
export class ConnectionLimits {
  readonly #options: ConnectionLimitsOptions
  readonly #counters: LimitCounters
  readonly #addresses = new Map<string, number>()
  readonly #names: ConnectionLimitNames
  #total = 0
  #queued = 0

  constructor (options: ConnectionLimitsOptions, counters: LimitCounters, names = CONNECTIONS) {
    this.#options = options
    this.#counters = counters
    this.#names = names
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
    const { max, maxPerAddress } = this.#options
    if (this.#total >= max) {
      this.#counters.hit(this.#names.total)
      throw this.#names.full()
    }
    const count = this.#addresses.get(address) ?? 0
    if (count >= maxPerAddress) {
      this.#counters.hit(this.#names.address)
      throw this.#names.addressFull(count)
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
