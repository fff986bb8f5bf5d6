import type { Encode } from './envelope.js'

const LINE_BREAK = '\r\n'

/** One chunk of the chunked coding (RFC 9112, section 7.1). Not for empty bytes: an empty chunk is the last one. */
export function chunk (bytes: Buffer): Buffer {
  const head = bytes.length.toString(16) + LINE_BREAK
  const framed = Buffer.allocUnsafe(head.length + bytes.length + LINE_BREAK.length)
  framed.write(head, 'latin1')
  bytes.copy(framed, head.length)
  framed.write(LINE_BREAK, head.length + bytes.length, 'latin1')
  return framed
}

/** An encoder whose bytes are one chunk. */
export function chunked (encode: Encode): Encode {
  return (envelopes) => chunk(encode(envelopes))
}
