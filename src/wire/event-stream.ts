import type { Envelope } from './envelope.js'

// HTML standard, section 9.2.6. No value contains a line break: ids cannot, and envelopes are on one line.

/** Encodes envelopes as Server-Sent Events with the id of the message, so that `EventSource` resumes by itself. */
export function encodeEventStream (envelopes: readonly Envelope[]): Buffer {
  let events = ''
  for (const { id, text } of envelopes) events += `id: ${id}\ndata: ${text}\n\n`
  return Buffer.from(events)
}

/** A named event, such as `subscribed`, with the position of the client as its id, so that an idle stream resumes, too. */
export function encodeNamedEvent (event: string, text: string, id: string): Buffer {
  return Buffer.from(`event: ${event}\nid: ${id}\ndata: ${text}\n\n`)
}

const data = new WeakMap<Envelope, Buffer>()

/** The part of an event that all connections share, whatever their position: encoded once. */
export function encodeData (envelope: Envelope): Buffer {
  let bytes = data.get(envelope)
  if (bytes === undefined) data.set(envelope, bytes = Buffer.from(`data: ${envelope.text}\n`))
  return bytes
}

/** The rest of an event after its data: the position of the client with it. */
export function encodeCursor (cursor: string): Buffer {
  return Buffer.from(`id: ${cursor}\n\n`)
}

/** The delay of `EventSource` before it reconnects, in milliseconds. */
export function encodeRetry (retryMs: number): Buffer {
  return Buffer.from(`retry: ${retryMs}\n\n`)
}

/** A comment, which clients skip. */
export const EVENT_STREAM_HEARTBEAT: Buffer = Buffer.from(':\n\n')
