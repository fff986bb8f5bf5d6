/** Behind the time that the server has told, which is rounded. */
const SLACK_MS = 20

/** The timers of members without a connection, by channel. */
export class Leaving {
  readonly #channels = new Map<string, Map<string, NodeJS.Timeout>>()
  readonly #onDue: (channel: string, sub: string) => void

  constructor (onDue: (channel: string, sub: string) => void) {
    this.#onDue = onDue
  }

  /** Whether members of a channel are about to leave. */
  has (channel: string): boolean {
    return this.#channels.has(channel)
  }

  /** Calls `onDue` after so many milliseconds, in the place of an earlier time. */
  set (channel: string, sub: string, ms: number): void {
    this.delete(channel, sub)
    const timers = this.#channels.get(channel) ?? new Map<string, NodeJS.Timeout>()
    this.#channels.set(channel, timers)
    timers.set(sub, setTimeout(() => {
      this.delete(channel, sub)
      this.#onDue(channel, sub)
    }, ms + SLACK_MS).unref())
  }

  delete (channel: string, sub: string): void {
    const timers = this.#channels.get(channel)
    clearTimeout(timers?.get(sub))
    timers?.delete(sub)
    if (timers?.size === 0) this.#channels.delete(channel)
  }

  clear (): void {
    for (const timers of this.#channels.values()) timers.forEach((timer) => { clearTimeout(timer) })
    this.#channels.clear()
  }
}
