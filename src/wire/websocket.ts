import type { Envelope } from './envelope.js'

// RFC 6455, section 5.2. Frames of a server are never masked, so that one buffer serves every subscriber.
const FINAL_TEXT = 0x81
const FINAL_PING = 0x89
const LENGTH_16 = 126
const LENGTH_64 = 127

/** Encodes each envelope as one unfragmented text frame; the frames follow each other in one buffer. */
export function encodeWebSocket (envelopes: readonly Envelope[]): Buffer {
  return encodeTextFrames(envelopes.map((envelope) => envelope.text))
}

/** Encodes each text as one unfragmented text frame; the frames follow each other in one buffer. */
export function encodeTextFrames (texts: readonly string[]): Buffer {
  const lengths = texts.map((text) => Buffer.byteLength(text))
  const frames = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + headerLength(length) + length, 0))
  let at = 0
  for (const [index, text] of texts.entries()) {
    at = writeHeader(frames, at, lengths[index] as number)
    at += frames.write(text, at)
  }
  return frames
}

/** A ping without payload (RFC 6455, section 5.5.2), which every client answers by itself. */
export const PING_FRAME: Buffer = Buffer.from([FINAL_PING, 0])

/** A ping with a number as payload, which its answer carries as well. */
export function encodePing (number: number): Buffer {
  const frame = Buffer.from([FINAL_PING, 4, 0, 0, 0, 0])
  frame.writeUInt32BE(number, 2)
  return frame
}

/** The number of the ping that a pong answers; `undefined` where its payload is another. */
export function numberOfPong (payload: Buffer): number | undefined {
  return payload.length === 4 ? payload.readUInt32BE() : undefined
}

/** Bytes of a pong with a number: header, mask and payload. */
export const NUMBERED_PONG_BYTES = 10

/** A ping and an empty text frame, the only part of a heartbeat that a script in a browser can see. */
export const HEARTBEAT_FRAMES: Buffer = Buffer.from([FINAL_TEXT, 0, FINAL_PING, 0])

function headerLength (length: number): number {
  return length < LENGTH_16 ? 2 : length <= 0xffff ? 4 : 10
}

function writeHeader (frame: Buffer, at: number, length: number): number {
  at = frame.writeUInt8(FINAL_TEXT, at)
  if (length < LENGTH_16) return frame.writeUInt8(length, at)
  if (length <= 0xffff) return frame.writeUInt16BE(length, frame.writeUInt8(LENGTH_16, at))
  return frame.writeBigUInt64BE(BigInt(length), frame.writeUInt8(LENGTH_64, at))
}
