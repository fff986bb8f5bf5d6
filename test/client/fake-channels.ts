/** Runs a task of a tab after the current one. */
type Soon = (tab: unknown, task: () => void) => void

interface Channel {
  readonly name: string
  readonly tab: unknown
  onmessage?: (event: { data: unknown }) => void
}

/** The broadcast channels of an origin. */
export class FakeChannels {
  /** Whether a message is lost on its way to a tab. */
  loses: (tab: unknown) => boolean = () => false
  readonly posted: unknown[] = []
  readonly #open = new Set<Channel>()

  constructor (readonly soon: Soon, readonly tab: () => unknown) {}

  constructorOf (): unknown {
    const open = this.#open
    const post = (from: Channel, data: unknown) => { this.#post(from, data) }
    const tab = this.tab
    return class implements Channel {
      readonly tab = tab()
      onmessage?: (event: { data: unknown }) => void

      constructor (readonly name: string) {
        open.add(this)
      }

      postMessage (data: unknown): void {
        if (!open.has(this)) throw new DOMException('Channel is closed', 'InvalidStateError')
        post(this, data)
      }

      close (): void {
        open.delete(this)
      }
    }
  }

  names (): string[] {
    return [...this.#open].map(({ name }) => name)
  }

  /** A message from elsewhere. */
  inject (data: unknown): void {
    for (const channel of this.#open) this.soon(channel.tab, () => channel.onmessage?.({ data }))
  }

  release (tab: unknown): void {
    for (const channel of this.#open) if (channel.tab === tab) this.#open.delete(channel)
  }

  #post (from: Channel, data: unknown): void {
    this.posted.push(data)
    for (const channel of this.#open) {
      if (channel === from || channel.name !== from.name || this.loses(channel.tab)) continue
      this.soon(channel.tab, () => { if (this.#open.has(channel)) channel.onmessage?.({ data }) })
    }
  }
}
