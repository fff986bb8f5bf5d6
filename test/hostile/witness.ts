import { Opcode } from '../frames.js'
import type { RawConnection } from '../sockets.js'
import { compact } from './contract.js'
import { exchange } from './http-wire.js'
import { publishing } from './request.js'
import type { Target } from './target.js'
import type { Test } from 'tap'

/** A message that was acknowledged: under which id, and what it must be, as JSON text or by its value. */
export interface Acknowledged {
  id: string
  text?: string
  value?: unknown
}

/** A subscriber that must get what was acknowledged on its channel, and nothing else. */
export class Witness {
  readonly #target: Target
  readonly #channel: string
  readonly #connection: RawConnection

  constructor (target: Target, channel: string, connection: RawConnection) {
    this.#target = target
    this.#channel = channel
    this.#connection = connection
  }

  /** Subscribes; the end of the test ends it. */
  static async on (t: Test, target: Target, channel: string): Promise<Witness> {
    return new Witness(target, channel, await target.upgrade(t, `/${channel}`))
  }

  /** Throws unless exactly these messages came since the last time, in the order of their ids, each as it was written. */
  async verify (acknowledged: readonly Acknowledged[]): Promise<void> {
    const [last] = await exchange(this.#target.port, [{ wire: publishing({ target: `/send/${this.#channel}`, body: '{"message":"the last one"}' }) }])
    const { id: lastId } = JSON.parse(last?.body ?? '{}') as { id?: string }
    const expected = [...acknowledged].sort((a, b) => offset(a.id) - offset(b.id))
    const frames: string[] = []
    while (frames.at(-1)?.endsWith(`"id":"${String(lastId)}"}`) !== true) frames.push(await this.#nextText())
    frames.pop()
    if (frames.length !== expected.length) throw new Error(`${frames.length} messages were delivered and ${expected.length} acknowledged: ${frames.join()}`)
    for (const [index, { id, text, value }] of expected.entries()) {
      const frame = frames[index] ?? ''
      const [, channel, message = '', frameId] = /^\{"channel":"([^"]*)","message":(.*),"time":[0-9]{13},"id":"([^"]*)"\}$/s.exec(frame) ?? []
      if (channel !== this.#channel || frameId !== id) throw new Error(`Delivered instead of ${id}: ${frame}`)
      const same = text === undefined ? JSON.stringify(JSON.parse(message)) === JSON.stringify(value) : compact(message) === compact(text)
      if (!same) throw new Error(`Delivered instead of ${text ?? JSON.stringify(value)}: ${frame}`)
    }
  }

  async #nextText (): Promise<string> {
    for (;;) {
      const { opcode, payload } = await this.#connection.readFrame()
      if (opcode === Opcode.TEXT) return payload.toString()
      if (opcode !== Opcode.PING) throw new Error(`The witness got a frame of type ${opcode}: ${payload.toString()}`)
      this.#connection.writeFrame(Opcode.PONG, payload)
    }
  }
}

function offset (id: string): number {
  return Number(id.split(':')[1])
}
