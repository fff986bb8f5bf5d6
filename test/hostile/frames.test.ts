import fc from 'fast-check'
import t from 'tap'
import { Opcode } from '../frames.js'
import { type RawConnection, upgradeRequest } from '../sockets.js'
import { casesOf } from './cases.js'
import { hostile } from './hostile.js'
import { brief, exchange } from './http-wire.js'
import { publishing } from './request.js'
import { judgeFrames } from './rfc6455.js'
import { startTarget, type Target } from './target.js'
import { volley } from './volley.js'
import { Witness } from './witness.js'

const NO_STATUS = 1_005
/** Maximum size of the unread pongs on a connection, up to its end. */
const MAX_UNSENT_BYTES = 131_072

/** The bytes that a client sends after the upgrade; one character a byte. */
interface Session {
  bytes: string
  /** Whether it comes in one piece with the request to upgrade. */
  together: boolean
  /** The bytes of a piece. */
  piece: number
  /** Whether the connection is reset as soon as everything is sent. */
  reset: boolean
}

type Form = 'minimal' | 16 | 64

/** A frame as it goes over the wire, right or wrong. */
function frame (first: number, payload: Buffer, { masked = true, form = 'minimal', lie = 0n }: { masked?: boolean, form?: Form, lie?: bigint } = {}): string {
  const length = BigInt(payload.length) + lie
  const claimed = length < 0n ? 0n : length
  const size = form === 'minimal' ? (claimed < 126n ? 7 : claimed < 65_536n ? 16 : 64) : form
  const head = size === 7 ? Buffer.alloc(2) : size === 16 ? Buffer.alloc(4) : Buffer.alloc(10)
  head.writeUInt8(first)
  head.writeUInt8((masked ? 0x80 : 0) | (size === 7 ? Number(claimed) : size === 16 ? 126 : 127), 1)
  if (size === 16) head.writeUInt16BE(Number(claimed & 0xffffn), 2)
  if (size === 64) head.writeBigUInt64BE(claimed & 0xffff_ffff_ffff_ffffn, 2)
  const mask = Buffer.from([0x12, 0xab, 0x00, 0xff])
  const body = masked ? Buffer.concat([mask, payload.map((byte, index) => byte ^ mask.readUInt8(index % 4))]) : payload
  return Buffer.concat([head, body]).toString('latin1')
}

const FIN = 0x80
const Text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 30 }).map((text) => Buffer.from(text)), fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)), fc.constantFrom('c0af', 'eda080', 'f4908080', 'ff', 'e282', '00', 'efbbbf').map((hex) => Buffer.from(hex, 'hex')))
const Sized = fc.oneof(fc.constantFrom(0, 1, 125, 126, 127, 128, 2_048, 4_095, 4_096, 4_097, 8_192, 65_535, 65_536), fc.nat(5_000)).map((length) => Buffer.alloc(length, 'a'))
const Payload = fc.oneof({ weight: 3, arbitrary: Text }, Sized)

const Fine = fc.oneof(
  fc.tuple(fc.constantFrom(Opcode.TEXT, Opcode.BINARY), fc.string({ maxLength: 100 }))
    .map(([opcode, text]) => frame(FIN | opcode, Buffer.from(text))),
  fc.tuple(fc.constantFrom(Opcode.PING, Opcode.PONG), fc.uint8Array({ maxLength: 125 }))
    .map(([opcode, bytes]) => frame(FIN | opcode, Buffer.from(bytes))),
  fc.constantFrom('{"type":"subscribe","channel":"other"}', '{"message":"hello"}', '', 'null', '[', '\u0000').map((text) => frame(FIN | Opcode.TEXT, Buffer.from(text)))
)

/** A message in fragments, with other frames between them: characters cut in two, control frames, and a second message. */
const Fragmented = fc.tuple(fc.constantFrom(Opcode.TEXT, Opcode.BINARY), Text, fc.array(fc.nat(40), { maxLength: 4 }), fc.oneof({ weight: 4, arbitrary: fc.constant('') }, Fine), fc.boolean()).map(([opcode, payload, cuts, between, finished]) => {
  const places = [...new Set(cuts.map((cut) => cut % (payload.length + 1)))].sort((a, b) => a - b)
  const parts = [0, ...places].map((start, index) => payload.subarray(start, places[index] ?? payload.length))
  return parts.map((part, index) => {
    const fin = finished && index === parts.length - 1 ? FIN : 0
    return frame(fin | (index === 0 ? opcode : Opcode.CONTINUATION), part)
  }).join(between)
})

const Code = fc.constantFrom(
  0, 999, 1_000, 1_001, 1_003, 1_004, 1_005, 1_006, 1_007, 1_011, 1_014, 1_015, 1_016, 2_999, 3_000, 4_401, 4_999, 5_000, 65_535
)
const Reason = Text.map((text) => text.subarray(0, 123))
const Close = fc.tuple(fc.oneof(Code, fc.nat(65_535)), Reason, fc.constantFrom(0, 1, 2, 2, 2)).map(([code, reason, bytes]) => {
  const head = Buffer.alloc(2)
  head.writeUInt16BE(code)
  return frame(FIN | Opcode.CLOSE, bytes < 2 ? head.subarray(0, bytes) : Buffer.concat([head, reason]))
})

/** A frame of which every field may be wrong. */
const Wild = fc.tuple(fc.nat(255), Payload, fc.record({
  masked: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.constant(false)),
  form: fc.constantFrom<Form>('minimal', 'minimal', 16, 64),
  lie: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0n) },
    fc.constantFrom(-1n, 1n, 4n, 100n, 65_536n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n)
  )
})).map(([first, payload, how]) => frame(first, payload, how))

/** Right opcodes with one thing wrong. */
const Flawed = fc.tuple(
  fc.constantFrom(0, 1, 2, 8, 9, 10), fc.constantFrom(0, FIN), fc.constantFrom(0, 0, 0x40, 0x20, 0x10), Payload, fc.boolean()
).map(([opcode, fin, reserved, payload, masked]) => frame(fin | reserved | opcode, payload, { masked }))

const Garbage = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')), fc.constantFrom('GET /room HTTP/1.1\r\nHost: test\r\n\r\n', '\r\n\r\n', '\x16\x03\x01\x02\x00', '\x00'.repeat(100), '\xff'.repeat(100), '\x81', '\x81\xfe', '\x81\xff\x00\x00'))

const Bytes = fc.oneof(
  { weight: 8, arbitrary: fc.array(fc.oneof({ weight: 6, arbitrary: Fine }, { weight: 3, arbitrary: Fragmented }, Close, Wild, Flawed), { minLength: 1, maxLength: 6 }).map((frames) => frames.join('')) },
  { weight: 2, arbitrary: fc.tuple(fc.oneof(Fine, Fragmented), Garbage).map((parts) => parts.join('')) },
  Garbage,
  // Cut anywhere.
  fc.tuple(fc.oneof(Fine, Fragmented, Close), fc.nat()).map(([bytes, at]) => bytes.slice(0, at % bytes.length))
)

const Sessions = fc.record<Session>({
  bytes: Bytes,
  together: fc.boolean(),
  piece: fc.constantFrom(1, 2, 3, 7, 100, 100_000),
  reset: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true))
})
  // So that no case is thousands of system calls.
  .map((session) => ({ ...session, piece: Math.max(session.piece, Math.ceil(session.bytes.length / 100)) }))

/** The code with which an open WebSocket is asked to end, and answers. */
const ASKED = 4_000
const CLOSE_BYTES = Buffer.from(frame(FIN | Opcode.CLOSE, Buffer.from([ASKED >> 8, ASKED & 0xff])), 'latin1')

/** Upgrades and sends; what was sent is on its way when it resolves. */
async function begin (target: Target, { bytes, together, piece }: Session): Promise<RawConnection> {
  const connection = await target.connect()
  const data = Buffer.from(bytes, 'latin1')
  if (together) connection.write(Buffer.concat([Buffer.from(upgradeRequest('/room')), data]))
  else connection.write(upgradeRequest('/room'))
  const head = await connection.readHead()
  if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`Not upgraded: ${head}`)
  if (!together) for (let at = 0; at < data.length; at += piece) connection.write(data.subarray(at, at + piece))
  return connection
}

/** The pongs and, if the connection was closed, the code. Sends a close frame after the message `last`, if it is `closable`. */
async function outcome (connection: RawConnection, last: string, closable: boolean): Promise<{ pongs: Buffer[], close?: number }> {
  const pongs: Buffer[] = []
  for (;;) {
    const { fin, masked, opcode, payload } = await connection.readFrame()
    if (!fin || masked) throw new Error('The server sent a fragment or a mask')
    if (opcode === Opcode.CLOSE) return { pongs, close: payload.length === 0 ? NO_STATUS : payload.readUInt16BE(0) }
    if (opcode === Opcode.PONG) pongs.push(payload)
    if (opcode === Opcode.TEXT && payload.toString().includes(last)) {
      if (!closable) return { pongs }
      // The answer to what was sent before may come behind it.
      connection.write(CLOSE_BYTES)
    }
  }
}

const DEADLINE_MS = 5_000
let rounds = 0

async function fire (target: Target, sessions: readonly Session[]): Promise<void> {
  const connections = await Promise.all(sessions.map((session) => begin(target, session)))
  await Promise.all(connections.filter((_, index) => sessions[index]?.reset === true).map(async ({ socket, closed }) => {
    // Once all is written: Node keeps the handle of a socket that is reset while it writes.
    socket.write('', () => { socket.resetAndDestroy() })
    await closed
  }))
  const last = `the last one of ${rounds++}`
  const [published] = await exchange(target.port, [{ wire: publishing({ target: '/send/room', body: JSON.stringify({ message: last }) }) }])
  if (published?.status !== 200) throw new Error('Nothing can be published')
  const failures = await Promise.all(sessions.map(async ({ bytes, reset }, index) => {
    const connection = connections[index] as RawConnection
    const deadline = setTimeout(() => { connection.socket.destroy() }, DEADLINE_MS)
    try {
      if (reset) return undefined
      const data = Buffer.from(bytes, 'latin1')
      const early = judgeFrames(data)
      // Within a frame, what asks to close is a part of that frame.
      const { closes, pings, debatable } = judgeFrames(Buffer.concat([data, CLOSE_BYTES]))
      const closable = closes.length > 0 && !debatable
      const { pongs, close } = await outcome(connection, last, closable)
      const allowed = [...closes, ...(closable ? [] : [undefined]), ...(early.debatable ? early.closes : [])]
      if (!allowed.includes(close)) return `Closed with ${String(close)} and not ${allowed.join(' or ')}`
      let next = 0
      for (const pong of pongs) {
        while (next < pings.length && pings[next]?.equals(pong) !== true) next++
        if (next++ >= pings.length) return `A pong that no ping asked for: ${pong.toString('hex')}`
      }
      if (close === ASKED && pings.length > 0 && pongs.at(-1)?.equals(pings.at(-1) as Buffer) !== true) return 'The last ping was not answered'
      return undefined
    } catch (error) {
      return String(error)
    } finally {
      clearTimeout(deadline)
      connection.socket.destroy()
    }
  }))
  for (const [index, failure] of failures.entries()) if (failure !== undefined) throw new Error(`${failure}\n  sent: ${brief(Buffer.from(sessions[index]?.bytes ?? '', 'latin1').toString('hex'))} ${JSON.stringify({ ...sessions[index], bytes: undefined })}`)
}

t.test('frames', async (t) => {
  // So that it is the frame and not all of them together that ends a connection.
  const target = await startTarget(t, { MAX_RECEIVED_BYTES: '1000000' })
  await hostile(t, target, async (t) => {
    t.test('are ignored, answered or end their connection with the code of RFC 6455, whatever they are', async (t) => {
      await volley(t, Sessions, casesOf('frames'), async (sessions) => { await fire(target, sessions) })
    })
  })
})

t.test('a client', async (t) => {
  const target = await startTarget(t, { PING_INTERVAL: '0.2', MAX_BUFFERED_BYTES: '65536' })
  await hostile(t, target, async (t) => {
    t.test('that falls silent within a frame is gone after a ping that it leaves unanswered', async (t) => {
      const silent = await Promise.all(Array.from({ length: 100 }, async (_, index) => {
        const connection = await target.upgrade(t, '/room')
        connection.write(Buffer.from(frame(FIN | Opcode.TEXT, Buffer.alloc(100)), 'latin1').subarray(0, index))
        return connection
      }))
      for (const connection of silent) await connection.closed
    })

    t.test('that floods the service with pings and reads nothing is ended', async (t) => {
      const witness = await Witness.on(t, target, 'room')
      const flooding = await Promise.all(Array.from({ length: 20 }, async () => {
        const connection = await target.upgrade(t, '/room')
        connection.socket.pause()
        const pings = Buffer.from(frame(FIN | Opcode.PING, Buffer.alloc(125)).repeat(500), 'latin1')
        const flood = (): void => { while (!connection.socket.destroyed && connection.socket.write(pings)); }
        connection.socket.on('drain', flood)
        flood()
        return connection
      }))
      await witness.verify([])
      for (const { closed } of flooding) await closed
      const { unsent } = await target.count()
      t.ok(unsent < MAX_UNSENT_BYTES, `${unsent} bytes were to be sent on one connection`)
    })
  })
})
