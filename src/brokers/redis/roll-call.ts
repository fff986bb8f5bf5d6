import { setTimeout as delay } from 'node:timers/promises'
import type { Commands } from './connection.js'
import type { Timings } from './timings.js'

/** Between two looks at who has answered. */
const POLL_MS = 20
/** How long what a node said is kept; it says so again with each audit. */
const KEPT_MS = 86_400_000

/** What a roll call works with. */
export interface RollCallPorts {
  readonly client: Commands
  /** The key of the hash. */
  readonly name: string
  /** The nodes that were heard of lately. */
  known (): Iterable<string>
  /** Tells the others that this node is there. */
  greet (): Promise<unknown>
}

/**
 * Which nodes there are and which tenures they have verified, as a hash in Redis: `<node>` → tenures. What only one node saw of a
 * log, only that node can miss. So after a change of tenures nobody uses the logs before everybody who was there has compared
 * them; otherwise the offsets of a lost end would be given a second time by one who never saw it. The names may be lost with the
 * end, too: who is there is also what the census knows.
 */
export class RollCall {
  readonly #ports: RollCallPorts
  readonly #node: string
  readonly #gatherMs: number
  #verified = ''

  constructor (node: string, { gatherMs }: Pick<Timings, 'gatherMs'>, ports: RollCallPorts) {
    this.#node = node
    this.#gatherMs = gatherMs
    this.#ports = ports
  }

  /**
   * Says that this node has verified these tenures, and waits for the others to say the same of the last `count` of them. Who does
   * not come within `gatherMs` is taken for dead and forgotten.
   */
  async gather (tenures: readonly string[], count: number): Promise<void> {
    this.#verified = tenures.join(' ')
    const awaited = tenures.slice(-count)
    const deadline = performance.now() + this.#gatherMs
    await this.answer()
    for (;;) {
      const verified = await this.#ports.client.hgetall(this.#ports.name)
      const others = new Set([...Object.keys(verified), ...this.#ports.known()])
      const missing = [...others].filter((node) => node !== this.#node && !awaited.every((tenure) => verified[node]?.includes(tenure)))
      if (missing.length === 0) return
      if (performance.now() > deadline) { await this.forget(...missing); return }
      await delay(POLL_MS, undefined, { ref: false })
    }
  }

  /** Says again what this node has verified, and to the others that it is there. */
  async answer (): Promise<void> {
    const { client, name } = this.#ports
    await Promise.all([client.hset(name, this.#node, this.#verified), client.pexpire(name, KEPT_MS), this.#ports.greet()])
  }

  /** These nodes are gone. */
  async forget (...nodes: string[]): Promise<void> {
    await this.#ports.client.hdel(this.#ports.name, ...nodes)
  }
}
