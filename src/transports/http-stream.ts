import type { ServerResponse } from 'node:http'
import { constants, Http2ServerResponse, type ServerHttp2Stream } from 'node:http2'
import { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { Subscriber } from '../channels/subscriber.js'
import type { TransportName } from '../metrics/traffic.js'
import { chunk, chunked } from '../wire/chunked.js'
import { Close, type CloseCode } from '../wire/close.js'
import type { Encode } from '../wire/envelope.js'
import { type Standing, subscribedText } from '../wire/events.js'
import { encodeEventStream, encodeRetry, encodeNamedEvent, EVENT_STREAM_HEARTBEAT } from '../wire/event-stream.js'
import { encodeCloseLine, encodeLines, encodeEventLine, LINES_HEARTBEAT } from '../wire/ndjson.js'
import { drained } from './drained.js'

/** Time limit for the peer to read the rest of a stream before the connection is ended. */
const CLOSE_TIMEOUT_MS = 5_000
/** Between the last bytes and the break: an error discards bytes that a script has not read yet. */
const BREAK_DELAY_MS = 50

interface StreamFormat {
  readonly transport: TransportName
  readonly contentType: string
  readonly encode: Encode
  /** The same as one chunk of HTTP/1.1, shared by all such subscribers. */
  readonly encodeChunk: Encode
  readonly encodeEvent: (event: string, text: string, id: string) => Buffer
  readonly heartbeat: Buffer
  /** The reason for the end of the stream, where the format has one or the client requested events. */
  readonly encodeClose: (channel: string, code: CloseCode, reason: string, asked: boolean) => Buffer | undefined
}

const FORMATS = {
  'text/event-stream': {
    transport: 'sse',
    contentType: 'text/event-stream; charset=utf-8',
    encode: encodeEventStream,
    encodeChunk: chunked(encodeEventStream),
    encodeEvent: encodeNamedEvent,
    heartbeat: EVENT_STREAM_HEARTBEAT,
    encodeClose: retry
  },
  'application/x-ndjson': {
    transport: 'ndjson',
    contentType: 'application/x-ndjson; charset=utf-8',
    encode: encodeLines,
    encodeChunk: chunked(encodeLines),
    encodeEvent: encodeEventLine,
    heartbeat: LINES_HEARTBEAT,
    encodeClose: (channel, code, reason, asked) => asked ? encodeCloseLine(channel, code, reason) : undefined
  }
} satisfies Record<string, StreamFormat>

/** The formats in which HTTP can stream. */
export type StreamFormatName = keyof typeof FORMATS

/** A response of HTTP/1 or of HTTP/2. */
export type StreamResponse = ServerResponse | Http2ServerResponse

/** Settings of {@link HttpStreamSubscriber}. */
export interface HttpStreamOptions {
  readonly response: StreamResponse
  readonly format: StreamFormatName
  readonly channel: string
  /** Headers set by the host's hooks. */
  readonly headers: Record<string, number | string | string[] | undefined>
  /** Sent to a client that requested heartbeats, so that it can detect a lost connection. */
  readonly heartbeatMs: number | undefined
  /** Called before the stream is closed, with the code, or ended without one. */
  readonly onEnd?: ((subscriber: Subscriber, why: string, code?: CloseCode) => void) | undefined
}

/**
 * The framing of a response.
 * - `chunks`: HTTP/1.1; chunks are made here, once for all subscribers, and written past the response;
 * - `bare`: HTTP/1.0, where the end of the connection ends the response; written past it as well;
 * - `stream`: HTTP/2, which has its own frames;
 * - `response`: that of Node, where the response has no connection (yet), as when it is injected or pipelined.
 */
type Framing = 'chunks' | 'bare' | 'stream' | 'response'

/**
 * A subscriber on an HTTP response that does not end. The service breaks it off instead of ending it: after a regular end many
 * clients do not reconnect.
 */
export class HttpStreamSubscriber extends Subscriber {
  readonly #response: StreamResponse
  /** The stream for messages. */
  readonly #connection: Writable
  readonly #framing: Framing
  readonly #format: StreamFormat
  readonly #channel: string
  readonly #heartbeatMs: number | undefined
  readonly #onEnd: HttpStreamOptions['onEnd']
  /** Bytes written to the connection; a stream of HTTP/2 shares its connection with others. */
  #written = 0
  #closed = false

  /** Starts the response. */
  constructor ({ response, format: name, channel, headers, heartbeatMs, onEnd }: HttpStreamOptions) {
    const format = FORMATS[name]
    const framing = framingOf(response)
    super(framing === 'chunks' ? format.encodeChunk : format.encode)
    this.#response = response
    this.#framing = framing
    this.#format = format
    this.#channel = channel
    this.#heartbeatMs = heartbeatMs
    this.#onEnd = onEnd
    begin(response, framing, headers, format.contentType)
    this.#connection = connectionOf(response, framing)
  }

  override get transport (): TransportName {
    return this.#format.transport
  }

  get unsentBytes (): number {
    return this.#connection.writableLength
  }

  override get sentBytes (): number {
    return this.#written - this.unsentBytes
  }

  isOpen (): boolean {
    return !this.#closed && !this.#connection.destroyed
  }

  write (bytes: Buffer): void {
    if (!this.isOpen()) return
    this.#written += bytes.length
    this.#connection.write(bytes)
  }

  drained (): Promise<void> {
    return drained(this.#connection)
  }

  announce ({ cursor, ...standing }: Standing): boolean {
    this.send('subscribed', subscribedText(standing, this.#heartbeatMs), cursor ?? standing.id)
    return true
  }

  send (event: string, text: string, id = ''): void {
    this.write(this.framed(this.#format.encodeEvent(event, text, id)))
  }

  /** Bytes of the format as bytes of the response. */
  framed (bytes: Buffer): Buffer {
    return this.#framing === 'chunks' ? chunk(bytes) : bytes
  }

  signal (): void {
    this.write(this.framed(this.#format.heartbeat))
  }

  beat (): void {
    this.signal()
  }

  close (code: CloseCode, reason: string): void {
    if (!this.isOpen()) return
    this.#onEnd?.(this, reason, code)
    const farewell = this.#format.encodeClose(this.#channel, code, reason, this.#heartbeatMs !== undefined)
    if (this.#framing === 'chunks' || this.#framing === 'stream') {
      // Always writes something: the callback of a write tells that all was sent.
      this.#connection.write(this.framed(farewell ?? this.#format.heartbeat), () => {
        setTimeout(() => { this.#breakOff(code) }, BREAK_DELAY_MS)
      })
    } else {
      if (farewell !== undefined) this.write(farewell)
      this.#response.end()
    }
    this.#closed = true
    const deadline = setTimeout(() => { this.terminate() }, CLOSE_TIMEOUT_MS).unref()
    this.#response.once('close', () => { clearTimeout(deadline) })
  }

  terminate (why = 'ended'): void {
    if (this.isOpen()) this.#onEnd?.(this, why)
    this.#connection.destroy()
  }

  #breakOff (code: CloseCode): void {
    // Without the terminating chunk.
    if (this.#framing === 'chunks') { (this.#connection as Socket).destroySoon(); return }
    const stream = this.#connection as ServerHttp2Stream
    const { session } = stream
    stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    // After its other responses; an open session would delay the close of the server.
    if (code === Close.RESTART) session?.close()
  }
}

function framingOf (response: StreamResponse): Framing {
  if (response instanceof Http2ServerResponse) return 'stream'
  if (!(response.socket instanceof Socket)) return 'response'
  return response.req.httpVersion === '1.0' ? 'bare' : 'chunks'
}

function connectionOf (response: StreamResponse, framing: Framing): Writable {
  if (response instanceof Http2ServerResponse) return response.stream
  return framing === 'response' ? response : response.socket as Socket
}

function begin (response: StreamResponse, framing: Framing, headers: HttpStreamOptions['headers'], contentType: string): void {
  for (const [header, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(header, value)
  response.removeHeader('transfer-encoding')
  // Set by a hook for another body.
  response.removeHeader('content-length')
  // With `connection: close`, as set by a hook of the host's, some clients (undici) take the break for a regular end.
  if (framing === 'chunks') {
    response.removeHeader('connection')
    response.setHeader('transfer-encoding', 'chunked')
  }
  if (framing === 'bare') (response as ServerResponse).shouldKeepAlive = false
  const own = {
    'content-type': contentType,
    'cache-control': 'no-store',
    // nginx would buffer the messages otherwise.
    'x-accel-buffering': 'no'
  }
  // The types of the method differ.
  if (response instanceof Http2ServerResponse) {
    response.writeHead(200, own)
    return
  }
  response.writeHead(200, own)
  response.flushHeaders()
}

/** EventSource waits exactly the given time, so that each one gets another time within the window. */
function retry (_channel: string, _code: CloseCode, reason: string): Buffer | undefined {
  const windowMs = /retry=(\d+)/.exec(reason)?.[1]
  return windowMs === undefined ? undefined : encodeRetry(Math.ceil(Math.random() * Number(windowMs)))
}
