import type { Position } from '../../wire/id.js'
import { inTurn } from './in-turn.js'

/** A position that was seen in a tenure that is over: whether the log still has it is to be asked before the log is used. */
export interface Doubt {
  readonly position: Position
  /** The tenures that were verified when it was seen. */
  readonly tenures: string
}

/** The logs of which it is not known whether they have what was seen. */
export class Doubts {
  readonly #doubts = new Map<string, Doubt[]>()
  readonly #settling = new Map<string, Promise<void>>()
  readonly #ask: (channel: string, doubt: Doubt) => Promise<unknown>

  /** `ask` resolves when the log is known to have the position, or goes on under another epoch because it has not. */
  constructor (ask: (channel: string, doubt: Doubt) => Promise<unknown>) {
    this.#ask = ask
  }

  /** Whether there is none. */
  get none (): boolean {
    return this.#doubts.size === 0
  }

  has (channel: string): boolean {
    return this.#doubts.has(channel)
  }

  /** Adds one. Older ones of the channel stay: what they are about was seen in an earlier tenure. */
  add (channel: string, doubt: Doubt): void {
    const doubts = this.#doubts.get(channel)
    if (doubts === undefined) this.#doubts.set(channel, [doubt])
    else if (!isSame(doubts.at(-1), doubt)) doubts.push(doubt)
  }

  /** Resolves when there is none about the channel any more. Rejects, and keeps them, when the log cannot be asked. */
  settle (channel: string): Promise<void> {
    let settling = this.#settling.get(channel)
    if (settling === undefined) {
      settling = this.#settle(channel).finally(() => { this.#settling.delete(channel) })
      this.#settling.set(channel, settling)
    }
    return settling
  }

  /** Settles all that can be settled now. */
  async settleAll (): Promise<void> {
    await inTurn(this.#doubts.keys(), async (channel) => { await this.settle(channel).catch(() => {}) })
  }

  async #settle (channel: string): Promise<void> {
    const doubts = this.#doubts.get(channel) ?? []
    for (let doubt = doubts[0]; doubt !== undefined; doubt = doubts[0]) {
      await this.#ask(channel, doubt)
      doubts.shift()
    }
    this.#doubts.delete(channel)
  }
}

function isSame (a: Doubt | undefined, b: Doubt): boolean {
  return a?.tenures === b.tenures && a.position.epoch === b.position.epoch && a.position.offset === b.position.offset
}
