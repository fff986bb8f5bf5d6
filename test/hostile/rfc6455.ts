/** The expected behavior of a WebSocket for the bytes of a client, by RFC 6455 and the limits of the README. */
export interface WebSocketVerdict {
  /** Close codes that are right; empty when the WebSocket stays open. */
  closes: readonly number[]
  /** Payloads of the pings before that. */
  pings: readonly Buffer[]
  /** Where staying open is right, too, because the specification leaves it to the server when it notices. */
  debatable: boolean
}

const MAX_FRAME_BYTES = 4_096
const NO_STATUS = 1_005

interface Message {
  text: boolean
  parts: Buffer[]
}

/** Reads `bytes` as the frames of a client. */
export function judgeFrames (bytes: Buffer): WebSocketVerdict {
  const pings: Buffer[] = []
  let message: Message | undefined
  const closed = (closes: readonly number[], debatable = false): WebSocketVerdict => ({ closes, pings, debatable })
  for (let at = 0; at < bytes.length;) {
    const rest = bytes.subarray(at)
    const first = rest.readUInt8(0)
    const [fin, reserved, opcode] = [(first & 0x80) !== 0, first & 0x70, first & 0x0f]
    const isControl = opcode >= 8
    const wrongStart = reserved !== 0 || (opcode > 2 && opcode < 8) || opcode > 10 || (isControl && !fin) ||
      (opcode === 0 && message === undefined) || ((opcode === 1 || opcode === 2) && message !== undefined)
    if (rest.length < 2) return closed(wrongStart ? [1002] : [], true)
    const second = rest.readUInt8(1)
    const short = second & 0x7f
    if (wrongStart || (second & 0x80) === 0 || (isControl && short > 125))
      return closed([1002, ...(short > 125 ? [1009] : [])], short > 125 && rest.length < 14)
    const head = (short === 126 ? 4 : short === 127 ? 10 : 2)
    if (rest.length < head) return closed([], false)
    const length = short === 126 ? rest.readUInt16BE(2) : short === 127 ? Number(rest.readBigUInt64BE(2)) : short
    // More than a frame may have; the most significant bit of a length must be 0.
    if (length > MAX_FRAME_BYTES) return closed(short === 127 && rest.readUInt8(2) > 127 ? [1002, 1009] : [1009])
    const together = length + (message?.parts.reduce((sum, part) => sum + part.length, 0) ?? 0)
    if (!isControl && together > MAX_FRAME_BYTES) return closed([1009])
    if (rest.length < head + 4 + length) return closed(message?.text === true || opcode === 1 ? [1007] : [], true)
    const mask = rest.subarray(head, head + 4)
    const payload = Buffer.from(rest.subarray(head + 4, head + 4 + length).map((byte, index) => byte ^ mask.readUInt8(index % 4)))
    at += head + 4 + length
    if (opcode === 8) return closed(judgeClose(payload))
    if (opcode === 9) pings.push(payload)
    if (isControl) continue
    if (opcode !== 0) message = { text: opcode === 1, parts: [] }
    message?.parts.push(payload)
    if (!fin) continue
    if (message?.text === true && !isUtf8(Buffer.concat(message.parts))) return closed([1007])
    message = undefined
  }
  // A server may look at a text before it is whole.
  return closed(message?.text === true ? [1007] : [], true)
}

/** The code that answers a close frame. */
function judgeClose (payload: Buffer): number[] {
  if (payload.length === 0) return [NO_STATUS]
  if (payload.length === 1) return [1002]
  const code = payload.readUInt16BE(0)
  const valid = (code >= 3_000 && code <= 4_999) || (code >= 1_000 && code <= 1_014 && ![1_004, 1_005, 1_006].includes(code))
  if (!valid) return [1002]
  return isUtf8(payload.subarray(2)) ? [code] : [1007]
}

function isUtf8 (bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}
