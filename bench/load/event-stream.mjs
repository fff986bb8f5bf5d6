import { Subscriber } from './subscriber.mjs'

const LF = 0x0a
const CR = 0x0d
const EVENT_END = Buffer.from('\n\n')
const DATA = Buffer.from('data: ')
const NAMED = Buffer.from('event: ')
const EMPTY = Buffer.alloc(0)

/** A Server-Sent Events subscriber over HTTP/1.1, the body chunked or not. */
export class EventStreamSubscriber extends Subscriber {
  #chunked = false
  // Bytes of an event whose end has not come yet.
  #event = EMPTY

  constructor (target, sink, { channel, since, localAddress }) {
    const headers = `Accept: text/event-stream\r\n${since === undefined ? '' : `Last-Event-ID: ${since}\r\n`}`
    super(target, sink, { path: `/${channel}`, headers, status: 200, localAddress })
  }

  opened (head) {
    this.#chunked = /^transfer-encoding: *chunked$/im.test(head)
    this.becomeReady()
  }

  /** Handles what is complete in `buffer` from `at` on; returns where the incomplete chunk begins. */
  parse (buffer, at, now) {
    if (!this.#chunked) {
      this.#body(buffer, at, buffer.length, now)
      return buffer.length
    }
    for (;;) {
      const lineEnd = buffer.indexOf(LF, at)
      if (lineEnd === -1) return at
      const size = chunkSize(buffer, at)
      const start = lineEnd + 1
      if (start + size + 2 > buffer.length) return at
      if (size === 0) {
        this.fail('the stream ended')
        return buffer.length
      }
      this.#body(buffer, start, start + size, now)
      at = start + size + 2
    }
  }

  #body (buffer, at, end, now) {
    if (this.#event.length > 0) {
      buffer = Buffer.concat([this.#event, buffer.subarray(at, end)])
      at = 0
      end = buffer.length
    }
    for (;;) {
      const eventEnd = buffer.indexOf(EVENT_END, at)
      if (eventEnd === -1 || eventEnd + 2 > end) break
      this.#dispatch(buffer, at, eventEnd, now)
      at = eventEnd + 2
    }
    this.#event = at === end ? EMPTY : Buffer.from(buffer.subarray(at, end))
  }

  // Only messages are counted: comments are heartbeats, and a named event is about the subscription.
  #dispatch (buffer, start, end, now) {
    const data = buffer.indexOf(DATA, start)
    if (data === -1 || data >= end) return
    const named = buffer.subarray(start, end).indexOf(NAMED)
    if (named === -1) this.sink?.message(this, buffer, data + DATA.length, end, now)
  }
}

// Hexadecimal, up to a line end or an extension.
function chunkSize (buffer, at) {
  let size = 0
  for (let byte = buffer[at]; byte !== CR && byte !== LF && byte !== 0x3b; byte = buffer[++at]) {
    size = size * 16 + (byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57)
  }
  return size
}
