import type { Cluster } from 'ioredis'
import { rejectionOf } from '../connection/refusal.js'
import type { Barrier, Evidence } from './barrier.js'
import { parseReplication } from './replication.js'

/**
 * The terms of a cluster. A register on one shard proves nothing about the logs of another, so that there is nothing to wait for: a
 * log that is touched in another term continues behind a gap, in any case. The marks of this instance are compared all the
 * same, since a master that was cut off may have taken messages after that gap was announced.
 */
export class ShardTerms implements Barrier {
  readonly #connection: { readonly client: Cluster }
  readonly #onTerm: () => void
  /** The terms of the last look. */
  #seen = new Set<string>()
  /** The look that is in progress, with its comparison. */
  #looking: Promise<void> | undefined

  /** @param onTerm called when a shard was found in another term, after the comparison */
  constructor (connection: { readonly client: Cluster }, onTerm: () => void) {
    this.#connection = connection
    this.#onTerm = onTerm
  }

  async pass (evidence: Evidence): Promise<string> {
    // One that began before may have been at another master.
    while (this.#looking !== undefined) await rejectionOf(this.#looking)
    this.#looking = this.#look(evidence).finally(() => { this.#looking = undefined })
    await this.#looking
    return ''
  }

  /**
   * The channels of other shards do not wait for the comparison of one. While a comparison takes longer than a period no other begins,
   * which would refuse all messages in flight again.
   */
  async holds (evidence: Evidence): Promise<boolean> {
    if (this.#looking === undefined) await this.pass(evidence)
    return true
  }

  async #look ({ fence, compare }: Evidence): Promise<void> {
    const terms = await this.#terms()
    // Also one that was seen before: between the two looks an older master may have taken messages.
    const isNew = [...terms].some((term) => !this.#seen.has(term))
    if (isNew) {
      // Messages that the older master has not answered yet would be marked after the comparison.
      fence()
      await compare('')
    }
    this.#seen = terms
    if (isNew) this.#onTerm()
  }

  /** Does nothing: there is no register that could lose a registration. */
  witnessRequested (): Promise<void> {
    return Promise.resolve()
  }

  leave (): Promise<void> {
    return Promise.resolve()
  }

  /** The terms of the reachable masters. */
  async #terms (): Promise<Set<string>> {
    const infos = await Promise.allSettled(this.#connection.client.nodes('master').map(async (master) => await master.info('replication')))
    const terms = infos.map((info) => info.status === 'fulfilled' ? parseReplication(info.value).server : undefined)
    const known = new Set(terms.filter((term) => term !== undefined))
    if (known.size === 0) throw new Error('no master answers')
    return known
  }
}
