import { hash } from 'node:crypto'
import { IdempotencyConflictError, IdempotencyFullError } from '../errors.js'
import type { Published } from './broker.js'

/** Lifetime of a key. */
export const IDEMPOTENCY_TTL_MS = 300_000
/** Memory for keys, enough for about 250,000. */
const MAX_BYTES = 64 * 1024 ** 2
/** Memory of a key besides its text: the record, the header of the string and a slot in the table. */
const KEY_OVERHEAD_BYTES = 224

interface Publication extends Published {
  readonly digest: number
  readonly bytes: number
  readonly time: number
}

/** The publications of the last 5 minutes by idempotency key. */
export class IdempotencyKeys {
  // All keys have the same lifetime, so that the order of insertion is the order of expiry.
  readonly #publications = new Map<string, Publication>()
  readonly #maxBytes: number
  #bytes = 0

  constructor (maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes
  }

  /** Number of keys. */
  get size (): number {
    return this.#publications.size
  }

  /**
   * The publication under the key, or that of `publish` where the key is new and there is room for it.
   * Throws MSG_ERR_IDEMPOTENCY_CONFLICT when it was another message, MSG_ERR_IDEMPOTENCY_FULL when there is no room.
   */
  once (channel: string, key: string, message: string, now: number, publish: () => Published): Published {
    // A channel name contains no space, so that the composition is unambiguous.
    const name = `${channel} ${key}`
    const known = this.#publications.get(name)
    if (known !== undefined && !expired(known, now)) {
      if (known.digest !== digest(message)) throw new IdempotencyConflictError()
      const { epoch, offset, subscribers } = known
      return { epoch, offset, subscribers, duplicate: true }
    }
    if (this.#bytes >= this.#maxBytes) this.expire(now)
    if (this.#bytes >= this.#maxBytes) throw new IdempotencyFullError()
    const published = publish()
    const { epoch, offset, subscribers } = published
    const bytes = KEY_OVERHEAD_BYTES + name.length
    // To the end of the order.
    if (known !== undefined) this.#forget(name, known)
    this.#publications.set(name, { epoch, offset, subscribers, digest: digest(message), bytes, time: now })
    this.#bytes += bytes
    return published
  }

  /** Removes expired keys. To be called periodically, to free their memory. */
  expire (now: number): void {
    for (const [name, publication] of this.#publications) {
      if (!expired(publication, now)) break
      this.#forget(name, publication)
    }
  }

  #forget (name: string, { bytes }: Publication): void {
    if (this.#publications.delete(name)) this.#bytes -= bytes
  }
}

function expired ({ time }: Publication, now: number): boolean {
  return time <= now - IDEMPOTENCY_TTL_MS
}

/**
 * 48 bits of a message's digest: enough to distinguish a mistake from a repetition, and exact in one number. Not by `createHash`, whose
 * object costs more than the digest.
 */
function digest (message: string): number {
  return parseInt(hash('sha256', message).slice(0, 12), 16)
}
