import type { RegisterView } from './parse.js'
import { MAX_DEPARTED } from './register-scripts.js'

/**
 * The other instances that this instance has seen in the register, those that left included. JOIN writes back those of which it finds
 * neither the entry nor the departure: the newest data are lost, and with them what these instances wrote last.
 */
export class KnownInstances {
  readonly #ids = new Set<string>()

  get ids (): Iterable<string> {
    return this.#ids
  }

  /** Forgets all instances, when this one is admitted to another term: its decision accounts for them. */
  clear (): void {
    this.#ids.clear()
  }

  add (instances: RegisterView['instances'], own: string): void {
    for (const id of instances.keys()) {
      this.#ids.delete(id)
      if (id !== own) this.#ids.add(id)
    }
  }

  /**
   * Adds the instances of a view of the term of the admission, and keeps only the newest ones of those that left. This is enough: if the
   * registration of an earlier one is lost, so are the departures of these, which came later. Each of them is then in the register or
   * written back, nobody compares for it, and the term is incomplete.
   */
  update (instances: RegisterView['instances'], own: string): void {
    this.add(instances, own)
    // Those that left first come first. Half of what the register can name: further ones may have left since.
    for (const id of this.#ids) {
      if (this.#ids.size <= instances.size + MAX_DEPARTED / 2) break
      this.#ids.delete(id)
    }
  }
}
