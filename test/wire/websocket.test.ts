import t from 'tap'
import { wrap } from '../../src/wire/envelope.js'
import { encodeTextFrames, encodeWebSocket, PING_FRAME } from '../../src/wire/websocket.js'
import { Opcode, parseFrames } from '../frames.js'

t.test('encodeTextFrames', async (t) => {
  t.test('writes the shortest header of RFC 6455 for every length', async (t) => {
    const headers: [length: number, header: string][] = [
      [0, '8100'], [1, '8101'], [125, '817d'], [126, '817e007e'], [127, '817e007f'],
      [65_535, '817effff'], [65_536, '817f0000000000010000'], [200_000, '817f0000000000030d40']
    ]
    for (const [length, header] of headers) {
      const frame = encodeTextFrames(['x'.repeat(length)])
      t.equal(frame.toString('hex', 0, header.length / 2), header)
      t.equal(frame.length, header.length / 2 + length)
      t.equal(frame.toString('latin1', header.length / 2), 'x'.repeat(length))
    }
  })

  t.test('counts bytes and not characters', async (t) => {
    const frame = encodeTextFrames(['é'.repeat(63)])
    t.equal(frame.toString('hex', 0, 4), '817e007e')
    t.equal(frame.toString('utf8', 4), 'é'.repeat(63))
  })

  t.test('makes no bytes of no text', async (t) => {
    t.equal(encodeTextFrames([]).length, 0)
  })

  t.test('puts frames one after the other', async (t) => {
    const texts = [0, 1, 125, 126, 65_535, 65_536, 70_000].map((length) => '🎉'.repeat(length / 4) + 'x'.repeat(length % 4))
    const frames = parseFrames(encodeTextFrames(texts))
    t.strictSame(frames.map(({ payload }) => payload.toString()), texts)
    for (const frame of frames) t.match(frame, { fin: true, opcode: Opcode.TEXT, masked: false })
  })
})

t.test('encodeWebSocket', async (t) => {
  t.test('makes one frame of each envelope', async (t) => {
    const envelopes = [wrap('room', { message: '1', epoch: 'e', offset: 1 }), wrap('room', { message: '"two"', epoch: 'e', offset: 2, time: 3 })]
    t.strictSame(encodeWebSocket(envelopes), encodeTextFrames(envelopes.map(({ text }) => text)))
  })
})

t.test('PING_FRAME', async (t) => {
  t.test('is a ping without payload', async (t) => {
    t.equal(PING_FRAME.toString('hex'), '8900')
  })
})
