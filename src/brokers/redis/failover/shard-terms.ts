import type { Cluster } from 'ioredis'
import type { Barrier, Evidence } from './barrier.js'

/**
 * The terms of a cluster. A register on one shard proves nothing about the logs of another, so that there is nothing to wait for: a
 * log that is touched in another term continues behind a gap, in any case. The marks of this instance are compared all the
 * same, since a master that was cut off may have taken messages after that gap was announced.
 */
export class ShardTerms implements Barrier {
  readonly #client: Cluster
  readonly #onTerm: () => void
  #passed = new Set<string>()

  /** @param onTerm called when a shard was found in another term, after the comparison */
  constructor (client: Cluster, onTerm: () => void) {
    this.#client = client
    this.#onTerm = onTerm
  }

  async pass ({ compare }: Evidence): Promise<string> {
    const terms = await this.#terms()
    const isNew = [...terms].some((term) => !this.#passed.has(term))
    if (isNew) await compare('')
    this.#passed = new Set([...this.#passed, ...terms])
    if (isNew) this.#onTerm()
    return ''
  }

  /** The channels of other shards do not wait for the comparison of one. */
  async holds (evidence: Evidence): Promise<boolean> {
    await this.pass(evidence)
    return true
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
    const infos = await Promise.allSettled(this.#client.nodes('master').map(async (master) => await master.info('replication')))
    const terms = infos.map((info) => info.status === 'fulfilled' ? serverOf(info.value) : undefined)
    const known = new Set(terms.filter((term) => term !== undefined))
    if (known.size === 0) throw new Error('no master answers')
    return known
  }
}

/** The first digits of `master_replid` in an answer of INFO, the prefix of a server's terms. */
export function serverOf (info: unknown): string | undefined {
  return typeof info === 'string' ? /master_replid:(\w{12})/.exec(info)?.[1] : undefined
}
