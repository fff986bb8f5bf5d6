import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import websocket from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { type WebSocket, WebSocket as WebSocketImplementation } from 'ws'
import messenger from '../../src/index.js'
import { closeWebSocket, WebSocketSubscriber } from '../../src/transports/websocket.js'
import { Close } from '../../src/wire/close.js'
import { range } from '../channels/fake-subscriber.js'
import { Opcode, type RawFrame } from '../frames.js'
import { countConnections, createHost, startHost, TOKEN } from '../helper.js'
import { type Frame, type RawConnection, subscribe, upgradeRaw } from '../sockets.js'
import { eventually, turn } from '../eventually.js'
import { untimedText } from '../envelopes.js'

/** A batch is closed to further messages at this size. */
const BATCH_BYTES = 131_072

interface Write { bytes: number, unsent: number }

/** The writes of the server to each later connection, in the order of connecting. */
function spyOnWrites (app: FastifyInstance): Write[][] {
  const connections: Write[][] = []
  app.server.on('connection', (socket: Socket) => {
    const writes: Write[] = []
    connections.push(writes)
    const write = socket.write.bind(socket)
    socket.write = (chunk: string | Uint8Array, ...rest: never[]) => {
      const taken = write(chunk, ...rest)
      writes.push({ bytes: Buffer.byteLength(chunk), unsent: socket.writableLength })
      return taken
    }
  })
  return connections
}

/** Reads frames until a close frame, and waits for the end of the connection, after which nothing may come. */
async function readToClose (connection: RawConnection): Promise<{ frames: RawFrame[], code: number }> {
  const frames: RawFrame[] = []
  for (;;) {
    const frame = await connection.readFrame()
    frames.push(frame)
    if (frame.opcode === Opcode.CLOSE) return { frames, code: frame.payload.readUInt16BE(0) }
  }
}

function offsets (frames: RawFrame[]): number[] {
  return frames.filter(({ opcode }) => opcode === Opcode.TEXT).map(({ payload }) => Number((JSON.parse(payload.toString()) as Frame).id.split(':')[1]))
}

async function watchPings (t: Test, app: FastifyInstance, count: number): Promise<void> {
  const { socket } = await subscribe(t, app, '/pinged')
  for (let pings = 0; pings < count; pings++) await new Promise((resolve) => { socket.once('ping', resolve) })
}

t.test('closeWebSocket', async (t) => {
  /** A WebSocket that is asked to close and does not answer by itself. */
  class SilentSocket extends EventEmitter {
    readonly calls: unknown[][] = []
    close (...args: unknown[]): void { this.calls.push(['close', ...args]) }
    terminate (): void { this.calls.push(['terminate']) }
  }

  const timers = new Set<() => void>()
  t.intercept(globalThis, 'setTimeout', { value: (run: () => void) => { timers.add(run); return { run, unref () { return this } } } })
  t.intercept(globalThis, 'clearTimeout', { value: ({ run }: { run: () => void }) => { timers.delete(run) } })

  t.test('ends a connection whose other side does not answer in time', async (t) => {
    const socket = new SilentSocket()
    closeWebSocket(socket as unknown as WebSocket, Close.POLICY, 'a reason')
    t.strictSame(socket.calls, [['close', 1008, 'a reason']])
    for (const run of timers) run()
    t.strictSame(socket.calls, [['close', 1008, 'a reason'], ['terminate']])
    socket.emit('close')
    t.equal(timers.size, 0)
  })

  t.test('leaves no timer behind when the other side answers', async (t) => {
    const socket = new SilentSocket()
    closeWebSocket(socket as unknown as WebSocket, Close.POLICY, 'a reason')
    t.equal(timers.size, 1)
    socket.emit('close')
    t.equal(timers.size, 0)
    t.equal(socket.calls.length, 1)
  })
})

t.test('a WebSocket subscriber', async (t) => {
  t.test('gets frames of every length', async (t) => {
    const app = await startHost(t, { maxMessageBytes: 1_000_000 })
    const subscription = await subscribe(t, app, '/room?since=now')
    const epoch = String((await subscription.next()).id.split(':')[0])
    for (const [index, length] of [124, 125, 126, 127, 65_534, 65_535, 65_536, 65_537, 500_000].entries()) {
      const around = `{"channel":"room","message":"","time":${Date.now()},"id":"${epoch}:${index + 1}"}`.length
      await app.channels.publish('room', 'x'.repeat(length - around))
      const text = await subscription.nextText()
      t.equal(text.length, length)
      t.equal(untimedText(text), `{"channel":"room","message":"${'x'.repeat(length - around)}","id":"${epoch}:${index + 1}"}`)
    }
  })

  t.test('gets all messages of one tick in one write, in their order', async (t) => {
    const app = await startHost(t)
    const connections = spyOnWrites(app)
    const subscription = await subscribe(t, app, '/room')
    const [writes = []] = connections
    const before = writes.length
    await Promise.all(range(1, 50).map((message) => app.channels.publish('room', message)))
    t.strictSame((await subscription.take(50)).map(({ message }) => message), range(1, 50))
    t.equal(writes.length - before, 1)
    await app.channels.publish('room', 51)
    await subscription.next()
    t.equal(writes.length - before, 2)
  })

  t.test('gets the messages of one tick in one write of each connection, whatever else is published', async (t) => {
    const app = await startHost(t)
    const connections = spyOnWrites(app)
    const subscriptions = [await subscribe(t, app, '/a'), await subscribe(t, app, '/a'), await subscribe(t, app, '/b')]
    const before = connections.map(({ length }) => length)
    await Promise.all(range(1, 40).map((message) => app.channels.publish(message % 2 === 0 ? 'a' : 'b', message)))
    for (const subscription of subscriptions) t.equal((await subscription.take(20)).length, 20)
    t.strictSame(connections.map(({ length }, index) => length - Number(before[index])), [1, 1, 1])
  })

  t.test('gets everything in order at full speed, as do all others', async (t) => {
    const app = await startHost(t)
    const subscriptions = await Promise.all(range(1, 20).map(() => subscribe(t, app, '/room')))
    for (let message = 1; message <= 1_000; message++) {
      void app.channels.publish('room', message)
      if (message % 16 === 0) await turn()
    }
    for (const subscription of subscriptions) t.strictSame((await subscription.take(1_000)).map(({ message }) => message), range(1, 1_000))
  })
})

t.test('the frames of ws and those of the fan-out', async (t) => {
  t.test('never mix: fragments, pings and a close of the client while messages go out at full speed', async (t) => {
    const app = await startHost(t, { maxBufferedBytes: 1_000_000_000, maxMessageBytes: 200_000, pingIntervalMs: 86_400_000 })
    const connection = await upgradeRaw(t, app, '/room')
    const sizes = [1, 100, 125, 126, 1_000, 65_500, 65_536, 150_000]
    // Not reading for a while fills every buffer, so that writes are cut in the middle of frames.
    connection.socket.pause()
    let published = 0
    for (let round = 0; round < 300; round++) {
      for (let index = 0; index < 3; index++) void app.channels.publish('room', 'x'.repeat(Number(sizes[published++ % sizes.length])))
      connection.writeFrame(Opcode.TEXT, 'a fragment', { fin: false })
      // A connection with 60 pings to answer is ended by ws.
      if (round % 10 === 0) connection.writeFrame(Opcode.PING, `ping ${round}`)
      connection.writeFrame(Opcode.CONTINUATION, 'and its end')
      await turn()
      if (round === 100) connection.socket.resume()
    }
    connection.writeFrame(Opcode.CLOSE, Buffer.from([0x03, 0xe8]))
    const reading = readToClose(connection)
    await eventually(() => {
      void app.channels.publish('room', 'more')
      return app.channels.subscriberCount('room') === 0
    }, { everyTurn: true, message: 'the close' })
    const { frames, code } = await reading
    await connection.closed
    t.equal(code, 1000)
    t.ok(frames.every(({ fin, masked }) => fin && !masked))
    // A ping may be that of the sample whose delivery is measured.
    const others = frames.map(({ opcode }) => opcode).filter((opcode) => opcode !== Opcode.PING)
    const opcodes = [...new Set(others)].sort((one, other) => one - other)
    t.strictSame(opcodes, [Opcode.TEXT, Opcode.CLOSE, Opcode.PONG])
    const seen = offsets(frames)
    t.strictSame(seen, range(1, seen.length))
    t.ok(seen.length >= published, `${seen.length} of ${published} messages came before the close`)
    const pongs = frames.filter(({ opcode }) => opcode === Opcode.PONG).map(({ payload }) => payload.toString())
    t.strictSame(pongs, range(0, 29).map((index) => `ping ${index * 10}`))
    t.equal(connection.unread, 0, 'nothing follows the close frame')
  })

  t.test('stay whole for a ws client that sends fragments and pings and then closes', async (t) => {
    const app = await startHost(t)
    const subscription = await subscribe(t, app, '/room')
    const { socket } = subscription
    const pongs: string[] = []
    socket.on('pong', (data) => { pongs.push(data.toString()) })
    for (let message = 1; message <= 300; message++) {
      void app.channels.publish('room', message)
      socket.send('a fragment', { fin: false })
      socket.ping(String(message))
      socket.send('and its end', { fin: true })
      await turn()
    }
    t.strictSame((await subscription.take(300)).map(({ message }) => message), range(1, 300))
    await eventually(() => pongs.length === 300)
    t.strictSame(pongs.map(Number), range(1, 300))
    socket.close(1000, 'bye')
    t.strictSame(await subscription.closed, { code: 1000, reason: 'bye' })
  })

  t.test('end with the answer to a close of the client, with or without a code', async (t) => {
    const app = await startHost(t)
    for (const payload of [Buffer.alloc(0), Buffer.from([0x03, 0xe8]), Buffer.from([0x0f, 0xa0])]) {
      const connection = await upgradeRaw(t, app, '/room')
      connection.writeFrame(Opcode.CLOSE, payload)
      t.strictSame(await connection.readFrame(), { fin: true, opcode: Opcode.CLOSE, masked: false, payload })
      await connection.closed
    }
    await eventually(() => app.channels.subscriberCount('room') === 0)
  })

  t.test('end with the close frame of the server', async (t) => {
    const app = await startHost(t)
    const opened: WebSocket[] = []
    const setSocket = WebSocketImplementation.prototype as unknown as { setSocket (...args: unknown[]): void }
    const original = Object.getOwnPropertyDescriptor(setSocket, 'setSocket')?.value as (this: WebSocket, ...args: unknown[]) => void
    t.intercept(setSocket, 'setSocket', { value (this: WebSocket, ...args: unknown[]) { opened.push(this); original.apply(this, args) } })
    const connection = await upgradeRaw(t, app, '/room')
    const [socket] = opened as [WebSocket]
    await app.channels.publish('room', 1)
    await turn()
    socket.close(1008, 'bye')
    for (let message = 2; message <= 20; message++) {
      await app.channels.publish('room', message)
      await turn()
    }
    const { frames, code } = await readToClose(connection)
    connection.writeFrame(Opcode.CLOSE, Buffer.from([0x03, 0xf0]))
    await connection.closed
    t.equal(code, 1008)
    t.strictSame(offsets(frames), [1])
    t.equal(connection.unread, 0)
  })
})

t.test('a subscriber that stops reading', async (t) => {
  t.test('costs at most its limit and one flush, is closed with 1013 and slows no other one', async (t) => {
    const maxBufferedBytes = 100_000
    const app = await startHost(t, { maxBufferedBytes, maxMessageBytes: 50_000 })
    const connections = spyOnWrites(app)
    const slow = await upgradeRaw(t, app, '/room')
    slow.socket.pause()
    const other = await subscribe(t, app, '/room')
    let published = 0
    await eventually(async () => {
      await Promise.all([0, 1, 2].map(() => app.channels.publish('room', 'x'.repeat(40_000))))
      published += 3
      const frames = await other.take(3)
      t.strictSame(frames.map(({ id }) => Number(id.split(':')[1])), range(published - 2, published))
      return app.channels.subscriberCount('room') === 1
    }, { everyTurn: true, message: 'the close of the slow subscriber' })
    const unsent = Math.max(...(connections[0] ?? []).map((write) => write.unsent))
    t.ok(unsent > maxBufferedBytes, `${unsent} bytes: it did not read`)
    t.ok(unsent <= maxBufferedBytes + BATCH_BYTES + 50_000, `${unsent} bytes unsent at most`)
    // The frames that it reads later are whole and in order, and end with the reason.
    slow.socket.resume()
    const { frames, code } = await readToClose(slow)
    t.equal(code, 1013)
    const seen = offsets(frames)
    t.strictSame(seen, range(1, seen.length))
    t.ok(seen.length < published)
    slow.writeFrame(Opcode.CLOSE, Buffer.from([0x03, 0xf5]))
    await slow.closed
    await app.channels.publish('room', 'sentinel')
    t.match(await other.next(), { message: 'sentinel' })
  })

  t.test('is cut by the limit also when many small messages fill it', async (t) => {
    const app = await startHost(t, { maxBufferedBytes: 10_000 })
    const connections = spyOnWrites(app)
    const slow = await upgradeRaw(t, app, '/room')
    slow.socket.pause()
    await eventually(() => {
      const isClosed = app.channels.subscriberCount('room') === 0
      if (!isClosed) for (let index = 0; index < 500; index++) void app.channels.publish('room', 'x'.repeat(200))
      return isClosed
    }, { everyTurn: true, message: 'the close of the slow subscriber' })
    const unsent = Math.max(...(connections[0] ?? []).map((write) => write.unsent))
    t.ok(unsent <= 10_000 + BATCH_BYTES + 1_000, `${unsent} bytes unsent at most`)
    slow.socket.resume()
    t.equal((await readToClose(slow)).code, 1013)
  })

  t.test('resumes a long log at its own pace, without a hole', async (t) => {
    const app = await startHost(t, { maxBufferedBytes: 50_000, historySize: 1_000 })
    const connections = spyOnWrites(app)
    for (let message = 1; message <= 500; message++) await app.channels.publish('room', `${message} ${'x'.repeat(20_000)}`)
    const slow = await upgradeRaw(t, app, '/room?since=earliest')
    slow.socket.pause()
    await eventually(async () => {
      const before = connections[0]?.length
      for (let turns = 0; turns < 50; turns++) await turn()
      return connections[0]?.length === before
    }, { everyTurn: true, message: 'a pause of the server' })
    const unsent = Math.max(...connections.flat().map((write) => write.unsent))
    t.ok(unsent < 500_000, `${unsent} bytes unsent at most`)
    slow.socket.resume()
    const seen: number[] = []
    while (seen.length < 501) {
      const frame = JSON.parse((await slow.readFrame()).payload.toString()) as Frame
      if (seen.length === 0) t.match(frame, { event: 'subscribed', recovered: true })
      seen.push(Number(frame.id.split(':')[1]))
    }
    t.strictSame(seen, range(0, 500))
  })

  t.test('frees its channel when it is gone while it is waited for', async (t) => {
    const app = await startHost(t, { historySize: 1_000 })
    for (let message = 1; message <= 500; message++) await app.channels.publish('room', 'x'.repeat(20_000))
    const slow = await upgradeRaw(t, app, '/room?since=earliest')
    slow.socket.pause()
    for (let turns = 0; turns < 50; turns++) await turn()
    slow.socket.destroy()
    await eventually(() => [...app.channels].length === 0)
    t.equal(app.channels.subscriberCount('room'), 0)
  })
})

t.test('the heartbeat', async (t) => {
  t.test('ends a connection that leaves a ping unanswered, and no other', async (t) => {
    const app = await startHost(t, { pingIntervalMs: 100 })
    const alive = await subscribe(t, app, '/room')
    const dead = await upgradeRaw(t, app, '/room')
    t.match(await dead.readFrame(), { opcode: Opcode.PING })
    await dead.closed
    t.equal(dead.unread, 0, 'one ping was all it got')
    await eventually(() => app.channels.subscriberCount('room') === 1)
    await app.channels.publish('room', 'hello')
    t.match(await alive.next(), { message: 'hello' })
  })

  t.test('finds out while messages are being written, too', async (t) => {
    const app = await startHost(t, { pingIntervalMs: 100 })
    const dead = await upgradeRaw(t, app, '/room')
    await eventually(async () => {
      await app.channels.publish('room', 'hello')
      return app.channels.subscriberCount('room') === 0
    }, { everyTurn: true, message: 'the end of the dead connection' })
    await dead.closed
    t.equal(await countConnections(app), 0)
  })

  t.test('keeps a connection that answers', async (t) => {
    const app = await startHost(t, { pingIntervalMs: 100 })
    const connection = await upgradeRaw(t, app, '/room')
    for (let pings = 0; pings < 5; pings++) {
      t.match(await connection.readFrame(), { opcode: Opcode.PING, fin: true, masked: false })
      connection.writeFrame(Opcode.PONG)
    }
    t.equal(app.channels.subscriberCount('room'), 1)
  })

  t.test('is an empty text frame, too, for a client that asks to see it', async (t) => {
    const app = await startHost(t, { pingIntervalMs: 100 })
    const connection = await upgradeRaw(t, app, '/room?since=now&heartbeat')
    t.match(JSON.parse((await connection.readFrame()).payload.toString()), { event: 'subscribed', heartbeat: 100 })
    for (let beats = 0; beats < 3; beats++) {
      t.match(await connection.readFrame(), { opcode: Opcode.TEXT, payload: { length: 0 } })
      t.match(await connection.readFrame(), { opcode: Opcode.PING })
      connection.writeFrame(Opcode.PONG)
    }
  })

  t.test('works on an injected WebSocket, which has no connection that could be gone', async (t) => {
    const app = createHost(t)
    await app.register(websocket)
    await app.register(messenger, { token: TOKEN, pingIntervalMs: 100 })
    // An injected connection does not keep the process alive.
    await app.listen({ port: 0, host: '127.0.0.1' })
    const socket = await app.injectWS('/room')
    for (let pings = 0; pings < 3; pings++) await new Promise((resolve) => { socket.once('ping', resolve) })
    const message = new Promise((resolve) => { socket.once('message', (data: Buffer) => { resolve(JSON.parse(data.toString())) }) })
    await app.channels.publish('room', 'hello')
    t.match(await message, { channel: 'room', message: 'hello' })
    socket.terminate()
  })

  t.test('reports NaN sent bytes for a connection that does not count them', async (t) => {
    const socket = Object.assign(new EventEmitter(), { _socket: new PassThrough() })
    const settings = { pingIntervalMs: 1_000, maxReceivedBytes: 1, onFlood: () => { t.fail() } }
    const subscriber = new WebSocketSubscriber(socket as unknown as WebSocket, { announced: false, heartbeat: false }, settings)
    t.ok(Number.isNaN(subscriber.sentBytes))
  })

  t.test('needs no timer for each connection', async (t) => {
    const app = await startHost(t, { pingIntervalMs: 100 })
    await watchPings(t, app, 1)
    const timeouts = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
    await eventually(() => app.channels.subscriberCount('pinged') === 1)
    const before = timeouts()
    await Promise.all(range(1, 50).map(() => subscribe(t, app, '/room')))
    await watchPings(t, app, 2)
    t.ok(timeouts() - before < 10, `${timeouts() - before} more timers for 50 connections`)
  })
})
