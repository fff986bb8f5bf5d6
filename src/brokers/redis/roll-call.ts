import { setTimeout as delay } from 'node:timers/promises'
import type { Commands } from './connection.js'
import type { Timings } from './timings.js'

/** Between two looks at who has answered. */
const POLL_MS = 20
/** How long what a node said is kept; it says so again with each audit. */
const KEPT_MS = 86_400_000

/**
 * Which nodes there are and which tenures they have verified, as a hash in Redis: `<node>` → tenures. What only one node saw of a
 * log, only that node can miss. So after a change of tenures nobody uses the logs before everybody who was there has compared
 * them; otherwise the offsets of a lost end would be given a second time by one who never saw it.
 */
export class RollCall {
  readonly #client: Commands
  readonly #name: string
  readonly #node: string
  readonly #gatherMs: number
  #verified = ''
  /** The other nodes, as far as this one knows: what a server lost may have been their names, too. */
  #others = new Set<string>()

  constructor (client: Commands, name: string, node: string, { gatherMs }: Pick<Timings, 'gatherMs'>) {
    this.#client = client
    this.#name = name
    this.#node = node
    this.#gatherMs = gatherMs
  }

  /**
   * Says that this node has verified these tenures, and waits for the others to say the same of the last `count` of them. Who does
   * not come within `gatherMs` is taken for dead and forgotten.
   */
  async gather (tenures: readonly string[], count: number): Promise<void> {
    this.#verified = tenures.join(' ')
    const awaited = tenures.slice(-count)
    const deadline = performance.now() + this.#gatherMs
    await this.#sign()
    for (;;) {
      const verified = await this.#read()
      for (const node of verified.keys()) this.#others.add(node)
      const missing = [...this.#others].filter((node) => !awaited.every((tenure) => verified.get(node)?.includes(tenure)))
      if (missing.length === 0) return
      if (performance.now() > deadline) { await this.forget(...missing); return }
      await delay(POLL_MS, undefined, { ref: false })
    }
  }

  /** Says again what this node has verified, and learns who came and who left. */
  async answer (): Promise<void> {
    await this.#sign()
    this.#others = new Set((await this.#read()).keys())
  }

  /** These nodes are gone and not waited for any more. */
  async forget (...nodes: string[]): Promise<void> {
    for (const node of nodes) this.#others.delete(node)
    await this.#client.hdel(this.#name, ...nodes)
  }

  async #sign (): Promise<void> {
    await Promise.all([this.#client.hset(this.#name, this.#node, this.#verified), this.#client.pexpire(this.#name, KEPT_MS)])
  }

  /** What the other nodes have verified. */
  async #read (): Promise<Map<string, string>> {
    const verified = new Map(Object.entries(await this.#client.hgetall(this.#name)))
    verified.delete(this.#node)
    return verified
  }
}
