import type { Envelope } from './envelope.js'

/** Encodes envelopes as newline-delimited JSON. */
export function encodeLines (envelopes: readonly Envelope[]): Buffer {
  let lines = ''
  for (const { text } of envelopes) lines += `${text}\n`
  return Buffer.from(lines)
}

/** An event, such as `subscribed`, as a line. */
export function encodeEventLine (_event: string, text: string): Buffer {
  return Buffer.from(`${text}\n`)
}

/** The event `close` as a line: the reason for the end of the stream. */
export function encodeCloseLine (channel: string, code: number, reason: string): Buffer {
  return Buffer.from(`${JSON.stringify({ channel, event: 'close', code, reason })}\n`)
}

/** An empty line, which clients skip. */
export const LINES_HEARTBEAT: Buffer = Buffer.from('\n')
