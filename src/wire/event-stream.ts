import type { Envelope } from './envelope.js'

// HTML standard, section 9.2.6. No value contains a line break: ids cannot, and envelopes are on one line.

/** Encodes envelopes as Server-Sent Events with the id of the message, so that `EventSource` resumes by itself. */
export function encodeEventStream (envelopes: readonly Envelope[]): Buffer {
  let events = ''
  for (const { id, text } of envelopes) events += `id: ${id}\ndata: ${text}\n\n`
  return Buffer.from(events)
}

/** The named event `subscribed`, with the position as its id, so that an idle stream resumes, too. */
export function encodeSubscribedEvent (id: string, text: string): Buffer {
  return Buffer.from(`event: subscribed\nid: ${id}\ndata: ${text}\n\n`)
}

/** The delay of `EventSource` before it reconnects, in milliseconds. */
export function encodeRetry (retryMs: number): Buffer {
  return Buffer.from(`retry: ${retryMs}\n\n`)
}

/** A comment, which clients skip. */
export const EVENT_STREAM_HEARTBEAT: Buffer = Buffer.from(':\n\n')
