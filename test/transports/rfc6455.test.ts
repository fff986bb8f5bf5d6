import { once } from 'node:events'
import t, { type Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import { maskedFrame, Opcode } from '../frames.js'
import { startHost } from '../helper.js'
import { type RawConnection, upgradeRaw } from '../sockets.js'

/** A frame of which any bit may be wrong. */
function bits (first: number, payload = ''): Buffer {
  const frame = maskedFrame(0, payload)
  frame.writeUInt8(first, 0)
  return frame
}

function closeFrame (code: number, reason: string | Buffer = ''): Buffer {
  const payload = Buffer.concat([Buffer.alloc(2), Buffer.from(reason)])
  payload.writeUInt16BE(code)
  return maskedFrame(Opcode.CLOSE, payload)
}

const text = (payload: string | Buffer, fin = true): Buffer => maskedFrame(Opcode.TEXT, payload, { fin })
const more = (payload: string | Buffer, fin = true): Buffer => maskedFrame(Opcode.CONTINUATION, payload, { fin })
const ping = (payload: string | Buffer = '', fin = true): Buffer => maskedFrame(Opcode.PING, payload, { fin })

/** The code of the close frame that comes, whatever comes before it. */
async function closeCode (connection: RawConnection): Promise<number | undefined> {
  for (;;) {
    const { opcode, payload } = await connection.readFrame()
    if (opcode === Opcode.CLOSE) return payload.length === 0 ? undefined : payload.readUInt16BE(0)
  }
}

/** Checks that a subscriber is still one, and answered. */
async function assertAlive (t: Test, app: FastifyInstance, connection: RawConnection, what: string): Promise<void> {
  connection.write(ping('alive'))
  for (;;) {
    const { opcode, payload } = await connection.readFrame()
    if (opcode === Opcode.PONG && payload.toString() === 'alive') break
    t.not(opcode, Opcode.CLOSE, what)
  }
  t.equal(app.channels.subscriberCount('room'), 1, what)
}

const euro = Buffer.from('€')

// Named after the chapters of the Autobahn test suite.
const TAKEN: [name: string, frames: Buffer[]][] = [
  ['1 text and binary of every kind of length', [text(''), text('x'.repeat(125)), text('x'.repeat(126)), text('x'.repeat(4_000)), maskedFrame(Opcode.BINARY, Buffer.alloc(127))]],
  ['2 pings, pongs that nobody asked for', [ping(), ping('x'.repeat(125)), ping(Buffer.from([0xff, 0xfe])), maskedFrame(Opcode.PONG), maskedFrame(Opcode.PONG, 'unasked')]],
  ['5 fragments with control frames between them', [text('one', false), ping('between'), more('two', false), maskedFrame(Opcode.PONG), more('', true)]],
  ['6 a character that is cut in two by fragments', [text(euro.subarray(0, 1), false), more(euro.subarray(1))]],
  ['6 all of Unicode', [text('\u0000\uD7FF\uE000\uFFFD\u{10000}\u{10FFFF}\uFFFE\uFFFF')]]
]

const REFUSED: [name: string, frames: Buffer[], code: number][] = [
  ['2 a ping of more than 125 bytes', [ping('x'.repeat(126))], 1002],
  ['3 reserved bits', [bits(0xc1, 'x')], 1002],
  ['3 reserved bits of a ping', [bits(0x99)], 1002],
  ['4 a reserved opcode', [bits(0x83, 'x')], 1002],
  ['4 a reserved control opcode', [bits(0x8b)], 1002],
  ['5 a ping in fragments', [ping('x', false)], 1002],
  ['5 a continuation of nothing', [more('x')], 1002],
  ['5 a new text within another one', [text('one', false), text('two')], 1002],
  ['5 a frame without a mask', [Buffer.from([0x81, 1, 0x78])], 1002],
  ['6 a text that is not UTF-8', [text(Buffer.from([0xce, 0xba, 0xff]))], 1007],
  ['6 an overlong sequence', [text(Buffer.from([0xc0, 0xaf]))], 1007],
  ['6 a surrogate', [text(Buffer.from([0xed, 0xa0, 0x80]))], 1007],
  ['6 a character that ends with the message', [text(euro.subarray(0, 2))], 1007],
  ['7 a close of one byte', [maskedFrame(Opcode.CLOSE, 'x')], 1002],
  ['7 a close of more than 125 bytes', [closeFrame(1000, 'x'.repeat(124))], 1002],
  ['7 a reason that is not UTF-8', [closeFrame(1000, Buffer.from([0xce, 0xff]))], 1007],
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535].map((code): [string, Buffer[], number] => [`7 the code ${code}`, [closeFrame(code)], 1002]),
  ['9 a frame that is too large', [text('x'.repeat(4_097))], 1009],
  ['9 a frame of 65,535 bytes', [text('x'.repeat(65_535))], 1009],
  ['9 a frame of 65,536 bytes', [text('x'.repeat(65_536))], 1009],
  ['9 a frame of a megabyte', [text('x'.repeat(1_048_576))], 1009],
  ['9 fragments that are too large together', [text('x'.repeat(4_000), false), more('x'.repeat(97))], 1009]
]

t.test('a WebSocket of RFC 6455', async (t) => {
  for (const whole of [true, false]) {
    t.test(`takes what is right, ${whole ? 'at once' : 'byte by byte'}`, async (t) => {
      const app = await startHost(t)
      for (const [name, frames] of TAKEN) {
        const connection = await upgradeRaw(t, app, '/room')
        connection.socket.setNoDelay()
        if (whole) connection.write(Buffer.concat(frames))
        else for (const byte of Buffer.concat(frames)) connection.write(Buffer.of(byte))
        await assertAlive(t, app, connection, name)
        connection.write(closeFrame(1000))
        t.equal(await closeCode(connection), 1000, name)
        await connection.closed
      }
    })
  }

  t.test('answers each ping with its payload, in order', async (t) => {
    const connection = await upgradeRaw(t, await startHost(t), '/room')
    const payloads = Array.from({ length: 10 }, (_, index) => `ping ${index}`)
    connection.write(Buffer.concat(payloads.map((payload) => ping(payload))))
    for (const payload of payloads)
      t.match(await connection.readFrame(), { opcode: Opcode.PONG, masked: false, payload: Buffer.from(payload) })
  })

  t.test('is closed with the code for what is wrong', async (t) => {
    const app = await startHost(t)
    for (const [name, frames, code] of REFUSED) {
      const connection = await upgradeRaw(t, app, '/room')
      connection.write(Buffer.concat(frames))
      t.equal(await closeCode(connection), code, name)
      connection.socket.destroy()
    }
  })

  t.test('answers a close with the same code', async (t) => {
    const app = await startHost(t)
    for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]) {
      const connection = await upgradeRaw(t, app, '/room')
      connection.write(closeFrame(code, 'x'.repeat(123)))
      t.equal(await closeCode(connection), code)
      await connection.closed
    }
    const connection = await upgradeRaw(t, app, '/room')
    connection.write(maskedFrame(Opcode.CLOSE))
    t.equal(await closeCode(connection), undefined)
    if (!connection.socket.destroyed) await once(connection.socket, 'close')
  })
})
