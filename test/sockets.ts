import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { WebSocket, type ClientOptions } from 'ws'
import { maskedFrame, parseFrame, type RawFrame } from './frames.js'
import { origin, port } from './helper.js'

/** A message as a WebSocket gets it. */
export interface Frame {
  channel: string
  message?: unknown
  id: string
  event?: string
  recovered?: boolean
  reason?: string
}

/** A `ws` client whose frames wait until the test asks for them. */
export class Subscription {
  readonly socket: WebSocket
  /** The close code and reason, once it is closed. */
  readonly closed: Promise<{ code: number, reason: string }>
  readonly opened: Promise<void>
  readonly #texts: string[] = []
  #arrived: (() => void) | undefined
  #ended = false

  constructor (url: string, options: ClientOptions = {}, protocols: string[] = []) {
    this.socket = new WebSocket(url, protocols, options)
    this.opened = new Promise((resolve, reject) => {
      this.socket.once('open', resolve).once('error', reject)
    })
    this.opened.catch(() => undefined)
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => {
        this.#ended = true
        this.#arrived?.()
        resolve({ code, reason: reason.toString() })
      })
    })
    this.socket.on('error', () => undefined)
    this.socket.on('message', (data: Buffer, binary) => {
      this.#texts.push(binary ? `binary: ${data.toString('hex')}` : data.toString())
      this.#arrived?.()
    })
  }

  /** The text of the next frame. Rejects when the connection ends first. */
  async nextText (): Promise<string> {
    while (this.#texts.length === 0) {
      if (this.#ended) throw new Error('The connection ended and no frame is left')
      await new Promise<void>((resolve) => { this.#arrived = resolve })
    }
    return this.#texts.shift() as string
  }

  /** The next frame, parsed. */
  async next (): Promise<Frame> {
    return JSON.parse(await this.nextText()) as Frame
  }

  /** The next frames, parsed. */
  async take (count: number): Promise<Frame[]> {
    const frames: Frame[] = []
    while (frames.length < count) frames.push(await this.next())
    return frames
  }

  /** Number of frames that arrived and were not asked for. */
  get unread (): number {
    return this.#texts.length
  }

  /** Closes it and waits until that is done. */
  async end (): Promise<void> {
    this.socket.close()
    await this.closed
  }
}

/** Subscribes with a real `ws` client; resolves when the WebSocket is open. The end of the test ends it. */
export async function subscribe (
  t: Test, app: FastifyInstance, path: string, options?: ClientOptions, protocols?: string[]
): Promise<Subscription> {
  const subscription = new Subscription(origin(app).replace('http', 'ws') + path, options, protocols)
  t.teardown(() => { subscription.socket.terminate() })
  await subscription.opened
  return subscription
}

/** Opens a WebSocket that is to be refused; resolves with the code and reason of the close. */
export async function refusal (t: Test, app: FastifyInstance, path: string): Promise<{ code: number, reason: string }> {
  return await (await subscribe(t, app, path)).closed
}

/** A TCP connection by hand: it answers nothing by itself, and everything that arrives is kept. */
export class RawConnection {
  readonly socket: Socket
  readonly closed: Promise<void>
  #received: Buffer = Buffer.alloc(0)
  // Put together when it is read, so that what piles up is not copied with every chunk.
  readonly #chunks: Buffer[] = []
  #arrived: (() => void) | undefined

  constructor (socket: Socket) {
    this.socket = socket
    socket.on('error', () => undefined)
    socket.on('end', () => { this.#arrived?.() })
    this.closed = new Promise((resolve) => {
      socket.once('close', () => { resolve(); this.#arrived?.() })
    })
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk)
      this.#arrived?.()
    })
  }

  /** Number of bytes that arrived and were not read. */
  get unread (): number {
    return this.#join().length
  }

  /** Everything that arrived and was not read; put together only when it is asked for, however many chunks that are. */
  #join (): Buffer {
    if (this.#chunks.length > 0) this.#received = Buffer.concat([this.#received, ...this.#chunks.splice(0)])
    return this.#received
  }

  write (bytes: string | Uint8Array): void {
    this.socket.write(bytes)
  }

  /** Waits until `take` finds what it looks for in what has arrived, and removes the number of bytes that it names. */
  async #read<T> (take: (received: Buffer) => { value: T, length: number } | undefined): Promise<T> {
    for (;;) {
      const received = this.#join()
      const found = take(received)
      if (found) {
        this.#received = received.subarray(found.length)
        return found.value
      }
      if (this.socket.destroyed || this.socket.readableEnded) throw new Error('The connection ended')
      await new Promise<void>((resolve) => { this.#arrived = resolve })
    }
  }

  /** The head of a response: its status line and headers. */
  async readHead (): Promise<string> {
    return await this.#read((received) => {
      const end = received.indexOf('\r\n\r\n')
      return end < 0 ? undefined : { value: received.toString('latin1', 0, end), length: end + 4 }
    })
  }

  /** The next bytes, whatever they are. */
  async readBytes (length: number): Promise<Buffer> {
    return await this.#read((received) => received.length < length ? undefined : { value: received.subarray(0, length), length })
  }

  async readFrame (): Promise<RawFrame> {
    return await this.#read(parseFrame)
  }

  /** Sends a frame, masked as a client must. */
  writeFrame (opcode: number, payload: string | Buffer = '', { fin = true } = {}): void {
    this.write(maskedFrame(opcode, payload, { fin }))
  }
}

/** Connects to the app over TCP; the end of the test ends it. */
export async function connectRaw (t: Test, app: FastifyInstance): Promise<RawConnection> {
  const socket = connect(port(app), '127.0.0.1')
  t.teardown(() => { socket.destroy() })
  await once(socket, 'connect')
  return new RawConnection(socket)
}

/** Opens a WebSocket by hand; it answers no ping and no close by itself. */
export async function upgradeRaw (t: Test, app: FastifyInstance, path: string): Promise<RawConnection> {
  const connection = await connectRaw(t, app)
  connection.write(upgradeRequest(path))
  const head = await connection.readHead()
  if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`Not upgraded: ${head}`)
  return connection
}

/** A request to upgrade to a WebSocket, as text. */
export function upgradeRequest (path: string, host = 'test'): string {
  return [`GET ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`, '', ''].join('\r\n')
}
