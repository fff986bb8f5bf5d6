import type { ServerResponse } from 'node:http'
import { type Standing, standingText, Subscriber } from '../channels/subscriber.js'
import { Close, type CloseCode } from '../wire/close.js'
import type { Encode } from '../wire/envelope.js'
import { encodeEventStream, encodeRetry, encodeSubscribedEvent, EVENT_STREAM_HEARTBEAT } from '../wire/event-stream.js'
import { encodeLines, encodeSubscribedLine, LINES_HEARTBEAT } from '../wire/ndjson.js'
import { drained } from './drained.js'

/** How long the other side may take to read the rest of a stream before the connection is ended. */
const CLOSE_TIMEOUT_MS = 5_000

interface StreamFormat {
  readonly contentType: string
  readonly encode: Encode
  readonly encodeSubscribed: (id: string, text: string) => Buffer
  readonly heartbeat: Buffer
}

const FORMATS = {
  'text/event-stream': {
    contentType: 'text/event-stream; charset=utf-8',
    encode: encodeEventStream,
    encodeSubscribed: encodeSubscribedEvent,
    heartbeat: EVENT_STREAM_HEARTBEAT
  },
  'application/x-ndjson': {
    contentType: 'application/x-ndjson; charset=utf-8',
    encode: encodeLines,
    encodeSubscribed: encodeSubscribedLine,
    heartbeat: LINES_HEARTBEAT
  }
} satisfies Record<string, StreamFormat>

/** The formats in which HTTP can stream. */
export type StreamFormatName = keyof typeof FORMATS

/** A subscriber on an HTTP response that does not end. */
export class HttpStreamSubscriber extends Subscriber {
  readonly #response: ServerResponse
  readonly #format: StreamFormat
  readonly #heartbeatMs: number | undefined

  /**
   * Begins the response.
   * @param headers headers that the host's hooks have set
   * @param heartbeatMs told to a client that asked for it, so that it knows when silence means loss
   */
  constructor (response: ServerResponse, name: StreamFormatName, headers: Record<string, number | string | string[] | undefined>, heartbeatMs: number | undefined) {
    const format = FORMATS[name]
    super(format.encode)
    this.#response = response
    this.#format = format
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
  }

  get unsentBytes (): number {
    return this.#response.writableLength
  }

  isOpen (): boolean {
    return !this.#response.writableEnded && !this.#response.destroyed
  }

  write (bytes: Buffer): void {
    if (this.isOpen()) this.#response.write(bytes)
  }

  drained (): Promise<void> {
    return drained(this.#response)
  }

  announce (standing: Standing): boolean {
    this.write(this.#format.encodeSubscribed(standing.id, standingText(standing, this.#heartbeatMs)))
    return true
  }

  beat (): void {
    this.write(this.#format.heartbeat)
  }

  close (code: CloseCode, reason: string): void {
    if (!this.isOpen()) return
    const windowMs = /retry=(\d+)/.exec(reason)?.[1]
    // EventSource waits exactly as long as it is told, so that each one is told another time.
    if (code === Close.RESTART && windowMs !== undefined && this.#format.encode === encodeEventStream) {
      this.write(encodeRetry(Math.ceil(Math.random() * Number(windowMs))))
    }
    this.#response.end()
    const deadline = setTimeout(() => { this.terminate() }, CLOSE_TIMEOUT_MS).unref()
    this.#response.once('close', () => { clearTimeout(deadline) })
  }

  terminate (): void {
    this.#response.destroy()
  }
}
