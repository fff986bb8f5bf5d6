import { FullError } from '../errors.js'
import type { LimitCounters } from './limit-counters.js'

interface Account {
  bytes: number
  readonly leases: Set<Lease>
}

/**
 * Bounds the memory for all clients: incomplete bodies, and answers and replays that are not read. When it is used up, the largest
 * lease of the address with the most bytes is shed, so that heavy users give way to light ones, and not the other way round.
 */
export class ByteBudget {
  readonly #max: number
  readonly #counters: LimitCounters
  readonly #accounts = new Map<string, Account>()
  #bytes = 0

  /** @param max bytes */
  constructor (max: number, counters: LimitCounters) {
    this.#max = max
    this.#counters = counters
  }

  /** Bytes of all leases. */
  get bytes (): number {
    return this.#bytes
  }

  /**
   * Opens a lease of 0 bytes, to be closed once. `onShed` is called when the lease is shed, possibly within `resize`; the memory is
   * then to be released at once.
   */
  open (address: string, onShed: (error: Error) => void): Lease {
    let account = this.#accounts.get(address)
    if (account === undefined) this.#accounts.set(address, account = { bytes: 0, leases: new Set() })
    const lease = new Lease(this.#ports, address, onShed)
    account.leases.add(lease)
    return lease
  }

  readonly #ports = {
    resize: (lease: Lease, delta: number): void => {
      (this.#accounts.get(lease.address) as Account).bytes += delta
      this.#bytes += delta
      while (this.#bytes > this.#max) this.#shed()
    },
    close: (lease: Lease): void => {
      const account = this.#accounts.get(lease.address) as Account
      account.leases.delete(lease)
      account.bytes -= lease.bytes
      this.#bytes -= lease.bytes
      if (account.leases.size === 0) this.#accounts.delete(lease.address)
    }
  }

  #shed (): void {
    const account = largest(this.#accounts.values()) as Account
    const lease = largest(account.leases) as Lease
    this.#counters.hit('maxBytesInFlight')
    lease.shed()
  }
}

interface LeasePorts {
  resize (lease: Lease, delta: number): void
  close (lease: Lease): void
}

/** A part of a {@link ByteBudget}. */
export class Lease {
  #bytes = 0
  #open = true

  constructor (private readonly ports: LeasePorts, readonly address: string, private readonly onShed: (error: Error) => void) {}

  get bytes (): number {
    return this.#bytes
  }

  /** Whether the lease was neither closed nor shed. */
  get isOpen (): boolean {
    return this.#open
  }

  /** Sets the number of bytes. May shed this lease or others. Does nothing once it is closed. */
  resize (bytes: number): void {
    if (!this.#open) return
    const delta = bytes - this.#bytes
    this.#bytes = bytes
    this.ports.resize(this, delta)
  }

  /** Returns the bytes to the budget. Further calls do nothing. */
  close (): void {
    if (!this.#open) return
    this.#open = false
    this.ports.close(this)
  }

  /** Closes the lease from the side of the budget. */
  shed (): void {
    this.close()
    this.onShed(new FullError('MAX_BYTES_IN_FLIGHT'))
  }
}

function largest<T extends { readonly bytes: number }> (all: Iterable<T>): T | undefined {
  let found: T | undefined
  for (const one of all) if (found === undefined || one.bytes > found.bytes) found = one
  return found
}
