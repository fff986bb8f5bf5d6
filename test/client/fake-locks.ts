/** Runs a task of a tab after the current one. */
type Soon = (tab: unknown, task: () => void) => void

interface Lock {
  readonly tab: unknown
  readonly callback: () => unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

const aborted = () => new DOMException('the lock was stolen, or the signal aborted', 'AbortError')

/** The lock manager of an origin, as far as one exclusive lock of a name goes. */
export class FakeLocks {
  /** The error with which every request rejects. */
  refusal: Error | undefined
  readonly #queues = new Map<string, Lock[]>()
  readonly #held = new Map<string, Lock>()

  constructor (readonly soon: Soon, readonly tab: () => unknown) {}

  request (name: string, { signal, steal }: { signal?: AbortSignal, steal?: boolean }, callback: () => unknown): Promise<unknown> {
    if (this.refusal) return Promise.reject(this.refusal)
    return new Promise((resolve, reject) => {
      const lock: Lock = { tab: this.tab(), callback, resolve, reject }
      const queue = this.#queues.get(name) ?? []
      this.#queues.set(name, queue)
      if (steal) {
        const held = this.#held.get(name)
        this.#held.delete(name)
        queue.unshift(lock)
        if (held) this.soon(held.tab, () => { held.reject(aborted()) })
      } else {
        queue.push(lock)
        signal?.addEventListener('abort', () => {
          if (!queue.includes(lock)) return
          queue.splice(queue.indexOf(lock), 1)
          reject(aborted())
        })
      }
      this.#grant(name)
    })
  }

  /** The tab that holds a lock. */
  holder (): unknown {
    return [...this.#held.values()][0]?.tab
  }

  names (): string[] {
    return [...this.#queues.keys()]
  }

  release (tab: unknown): void {
    for (const [name, queue] of this.#queues) {
      this.#queues.set(name, queue.filter((lock) => lock.tab !== tab))
      if (this.#held.get(name)?.tab === tab) this.#held.delete(name)
      this.#grant(name)
    }
  }

  #grant (name: string): void {
    if (this.#held.has(name)) return
    const lock = this.#queues.get(name)?.shift()
    if (!lock) return
    this.#held.set(name, lock)
    const free = (settle: () => void): void => {
      if (this.#held.get(name) === lock) this.#held.delete(name)
      this.soon(lock.tab, settle)
      this.#grant(name)
    }
    this.soon(lock.tab, () => {
      void Promise.resolve(lock.callback()).then((value) => { free(() => { lock.resolve(value) }) })
    })
  }
}
