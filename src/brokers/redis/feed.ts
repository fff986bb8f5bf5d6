import type { LogEntry, Replay, Since } from '../broker.js'

/** Messages read from the log at a time. */
const PAGE = 1_000

/** What a feed works with. */
export interface FeedPorts {
  /** Reads the channel's log. */
  read (since: Since, limit: number): Promise<Replay>
  /** Takes the next message of the channel. */
  deliver (entry: LogEntry): void
  /** Learns that messages are lost, so that every subscriber has to be told. */
  reset (): void
}

/**
 * The messages of one channel on this node, in order. Notifications may be missed while a connection is away, arrive late or
 * overtake a read of the log: only the next offset is handed on, anything else makes the feed read the log.
 */
export class Feed {
  epoch = ''
  /** The last message handed on. */
  offset = 0
  readonly #ports: FeedPorts
  #catchingUp: Promise<void> | undefined
  /** The highest offset heard of while the log was read. */
  #heard = 0
  #heardEpoch = ''

  constructor (ports: FeedPorts) {
    this.#ports = ports
  }

  /** Whether every message up to `offset` was handed on and the next one will be. */
  get live (): boolean {
    return this.#catchingUp === undefined && this.epoch !== ''
  }

  /** Takes the position from the log; to be called once notifications come in, those meanwhile are not lost. */
  async start (): Promise<void> {
    await this.#exclusively(async () => {
      const { epoch, head } = await this.#ports.read('now', 0)
      this.epoch = epoch
      this.offset = head
    })
  }

  /** Takes a notification. */
  notify (entry: LogEntry): void {
    if (this.#catchingUp !== undefined) {
      this.#heardEpoch = entry.epoch
      this.#heard = entry.offset
    } else if (entry.epoch === this.epoch && entry.offset === this.offset + 1) {
      this.offset = entry.offset
      this.#ports.deliver(entry)
    } else if (entry.epoch !== this.epoch || entry.offset > this.offset) {
      void this.catchUp()
    }
  }

  /** Reads what was missed and hands it on. When the log cannot be read the feed stays where it is. */
  async catchUp (): Promise<void> {
    if (this.#catchingUp === undefined && this.epoch === '') await this.start()
    else await this.#exclusively(async () => { await this.#read() })
  }

  /** Runs one step at a time; notifications that come meanwhile are compared with where the step ended. */
  async #exclusively (step: () => Promise<void>): Promise<void> {
    if (this.#catchingUp !== undefined) { await this.#catchingUp; return }
    this.#catchingUp = step()
    try {
      await this.#catchingUp
    } finally {
      this.#catchingUp = undefined
    }
    const { epoch, offset } = this
    if (this.#heard > 0 && (this.#heardEpoch !== epoch || this.#heard > offset)) {
      this.#heard = 0
      await this.catchUp()
    }
    this.#heard = 0
  }

  async #read (): Promise<void> {
    for (;;) {
      const { epoch, head, entries, reason } = await this.#ports.read({ epoch: this.epoch, offset: this.offset }, PAGE)
      if (reason !== undefined) {
        this.epoch = epoch
        this.offset = head
        this.#ports.reset()
        return
      }
      for (const entry of entries) {
        this.offset = entry.offset
        this.#ports.deliver(entry)
      }
      if (this.offset >= head || entries.length === 0) return
    }
  }
}
