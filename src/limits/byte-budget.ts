import { FullError } from '../errors.js'
import type { LimitCounters } from './limit-counters.js'

interface Account {
  bytes: number
  readonly leases: Set<Lease>
}

/**
 * Bounds what is held in memory for clients in all: bodies that have not arrived whole, and answers and replays that are not read.
 * When it is used up, the largest lease of the address that holds most goes, so that whoever takes much gives way to whoever
 * takes little, and not the other way round.
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
   * Opens a lease of 0 bytes, to be closed once. `onShed` is called when its bytes have to go and it is closed; what it stands for
   * is to be let go of at once. That may be within `resize`.
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

  /** Whether it was neither closed nor shed. */
  get isOpen (): boolean {
    return this.#open
  }

  /** Says how much it is now. May shed this lease or others. Does nothing once it is closed. */
  resize (bytes: number): void {
    if (!this.#open) return
    const delta = bytes - this.#bytes
    this.#bytes = bytes
    this.ports.resize(this, delta)
  }

  /** Gives its bytes back. Called again it does nothing. */
  close (): void {
    if (!this.#open) return
    this.#open = false
    this.ports.close(this)
  }

  /** Takes its bytes away. */
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
