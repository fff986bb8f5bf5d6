import type { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { type Standing, standingText, Subscriber } from '../channels/subscriber.js'
import type { CloseCode } from '../wire/close.js'
import type { Encode } from '../wire/envelope.js'
import { encodeEventStream, encodeRetry, encodeSubscribedEvent, EVENT_STREAM_HEARTBEAT } from '../wire/event-stream.js'
import { encodeCloseLine, encodeLines, encodeSubscribedLine, LINES_HEARTBEAT } from '../wire/ndjson.js'
import { drained } from './drained.js'

/** How long the other side may take to read the rest of a stream before the connection is ended. */
const CLOSE_TIMEOUT_MS = 5_000

interface StreamFormat {
  readonly contentType: string
  readonly encode: Encode
  readonly encodeSubscribed: (id: string, text: string) => Buffer
  readonly heartbeat: Buffer
  /** Says why the stream ends, where the format has a word for it or the client asked for more than messages. */
  readonly encodeClose: (channel: string, code: CloseCode, reason: string, asked: boolean) => Buffer | undefined
}

const FORMATS = {
  'text/event-stream': {
    contentType: 'text/event-stream; charset=utf-8',
    encode: encodeEventStream,
    encodeSubscribed: encodeSubscribedEvent,
    heartbeat: EVENT_STREAM_HEARTBEAT,
    encodeClose: retry
  },
  'application/x-ndjson': {
    contentType: 'application/x-ndjson; charset=utf-8',
    encode: encodeLines,
    encodeSubscribed: encodeSubscribedLine,
    heartbeat: LINES_HEARTBEAT,
    encodeClose: (channel, code, reason, asked) => asked ? encodeCloseLine(channel, code, reason) : undefined
  }
} satisfies Record<string, StreamFormat>

/** The formats in which HTTP can stream. */
export type StreamFormatName = keyof typeof FORMATS

/** What a stream is made of. */
export interface HttpStreamOptions {
  readonly response: ServerResponse
  readonly format: StreamFormatName
  readonly channel: string
  /** Headers that the host's hooks have set. */
  readonly headers: Record<string, number | string | string[] | undefined>
  /** Told to a client that asked for heartbeats, so that it knows when silence means loss. */
  readonly heartbeatMs: number | undefined
}

/** A subscriber on an HTTP response that does not end. */
export class HttpStreamSubscriber extends Subscriber {
  readonly #response: ServerResponse
  /** Where messages are written: past the response where that adds nothing to them, as without chunk headers. */
  readonly #connection: Writable
  readonly #format: StreamFormat
  readonly #channel: string
  readonly #heartbeatMs: number | undefined

  /** Begins the response. */
  constructor ({ response, format: name, channel, headers, heartbeatMs }: HttpStreamOptions) {
    const format = FORMATS[name]
    super(format.encode)
    this.#response = response
    this.#format = format
    this.#channel = channel
    this.#heartbeatMs = heartbeatMs
    for (const [header, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(header, value)
    // The end of the connection ends the stream: no chunk headers around each message, and proxies that speak HTTP/1.0 get it, too.
    response.removeHeader('transfer-encoding')
    response.shouldKeepAlive = false
    response.writeHead(200, {
      'content-type': format.contentType,
      'cache-control': 'no-store',
      // nginx would collect the messages otherwise.
      'x-accel-buffering': 'no'
    })
    response.flushHeaders()
    this.#connection = response.socket instanceof Socket ? response.socket : response
  }

  get unsentBytes (): number {
    return this.#connection.writableLength
  }

  override get sentBytes (): number {
    return (this.#response.socket?.bytesWritten ?? NaN) - this.unsentBytes
  }

  isOpen (): boolean {
    return !this.#response.writableEnded && !this.#response.destroyed
  }

  write (bytes: Buffer): void {
    if (this.isOpen()) this.#connection.write(bytes)
  }

  drained (): Promise<void> {
    return drained(this.#connection)
  }

  announce (standing: Standing): boolean {
    this.write(this.#format.encodeSubscribed(standing.id, standingText(standing, this.#heartbeatMs)))
    return true
  }

  signal (): void {
    this.write(this.#format.heartbeat)
  }

  beat (): void {
    this.signal()
  }

  close (code: CloseCode, reason: string): void {
    if (!this.isOpen()) return
    const farewell = this.#format.encodeClose(this.#channel, code, reason, this.#heartbeatMs !== undefined)
    if (farewell !== undefined) this.write(farewell)
    this.#response.end()
    const deadline = setTimeout(() => { this.terminate() }, CLOSE_TIMEOUT_MS).unref()
    this.#response.once('close', () => { clearTimeout(deadline) })
  }

  terminate (): void {
    this.#response.destroy()
  }
}

/** EventSource waits exactly as long as it is told, so that each one is told another time of the window. */
function retry (_channel: string, _code: CloseCode, reason: string): Buffer | undefined {
  const windowMs = /retry=(\d+)/.exec(reason)?.[1]
  return windowMs === undefined ? undefined : encodeRetry(Math.ceil(Math.random() * Number(windowMs)))
}
