import { randomBytes } from 'node:crypto'

/** A frame as it stands on the wire. */
export interface RawFrame {
  fin: boolean
  opcode: number
  masked: boolean
  payload: Buffer
}

/** The opcodes of RFC 6455, section 5.2. */
export const Opcode = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const

/** Reads the first frame of `bytes`, and how many of them it takes; `undefined` until it is whole. */
export function parseFrame (bytes: Buffer): { value: RawFrame, length: number } | undefined {
  if (bytes.length < 2) return undefined
  const first = bytes.readUInt8(0)
  const second = bytes.readUInt8(1)
  const short = second & 0x7f
  const header = short === 126 ? 4 : short === 127 ? 10 : 2
  if (bytes.length < header) return undefined
  const size = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short
  if (bytes.length < header + size) return undefined
  return {
    value: {
      fin: (first & 0x80) !== 0, opcode: first & 0x7f, masked: (second & 0x80) !== 0, payload: bytes.subarray(header, header + size)
    },
    length: header + size
  }
}

/** The frames that `bytes` are made of. Throws when they do not end with one. */
export function parseFrames (bytes: Buffer): RawFrame[] {
  const frames: RawFrame[] = []
  while (bytes.length > 0) {
    const found = parseFrame(bytes)
    if (found === undefined) throw new Error(`${bytes.length} bytes are no whole frame`)
    frames.push(found.value)
    bytes = bytes.subarray(found.length)
  }
  return frames
}

/** A frame of a client, masked as it must be (RFC 6455, section 5.3). */
export function maskedFrame (opcode: number, payload: string | Buffer = '', { fin = true } = {}): Buffer {
  const data = Buffer.from(payload)
  const mask = randomBytes(4)
  const length = Buffer.alloc(data.length < 126 ? 1 : data.length < 65_536 ? 3 : 9)
  if (data.length < 126) length.writeUInt8(0x80 | data.length)
  else if (data.length < 65_536) length.writeUInt16BE(data.length, length.writeUInt8(0x80 | 126))
  else length.writeBigUInt64BE(BigInt(data.length), length.writeUInt8(0x80 | 127))
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | opcode]), length, mask, data.map((byte, index) => byte ^ (mask[index % 4] ?? 0))])
}
