import { type ClientFrame, parseClientFrame } from '../wire/client-frame.js'

/** Takes the frames of a client, in their order. */
export interface ClientFramesPorts {
  subscribe (channel: string, since: string | undefined): void
  unsubscribe (channel: string): void
  /** Resolves when the token is verified. Must not reject. */
  token (token: string): Promise<void>
  acknowledge (channel: string, id: string): void
}

/** The frames of one client. Frames after a token wait for its verification. */
export class ClientFrames {
  readonly #ports: ClientFramesPorts
  /** The frames that wait while a token is verified. Their number is bounded by the bytes that a client may send. */
  #waiting: ClientFrame[] | undefined

  constructor (ports: ClientFramesPorts) {
    this.#ports = ports
  }

  /** Takes the text of a frame; ignores any other text. */
  take (text: string): void {
    const frame = parseClientFrame(text)
    if (frame !== undefined) this.#pass(frame)
  }

  #pass (frame: ClientFrame): void {
    if (this.#waiting === undefined) this.#apply(frame)
    else this.#waiting.push(frame)
  }

  #apply (frame: ClientFrame): void {
    if ('subscribe' in frame) this.#ports.subscribe(frame.subscribe, frame.since)
    else if ('unsubscribe' in frame) this.#ports.unsubscribe(frame.unsubscribe)
    else if ('token' in frame) void this.#verify(frame.token)
    else this.#ports.acknowledge(frame.channel, frame.ack)
  }

  async #verify (token: string): Promise<void> {
    this.#waiting = []
    await this.#ports.token(token)
    const waiting = this.#waiting
    this.#waiting = undefined
    // Another token among them makes the rest wait again.
    for (const frame of waiting) this.#pass(frame)
  }
}
