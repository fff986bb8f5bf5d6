import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { connect, type Commands } from '../../../../src/brokers/redis/connection/connection.js'
import { eventually } from '../../../eventually.js'
import { startProxy } from '../proxy.js'
import { startNode, TEST_TIMINGS } from '../redis-node.js'
import { startRedis } from '../redis-server.js'

/** A server that answers every command but SET with `+OK`, and whatever the test makes it say beside that. */
class TalkativeServer {
  readonly sockets = new Set<Socket>()
  connections = 0
  /** How often SET was asked for. */
  asked = 0
  /** Said right behind the next answer. */
  more = ''
  readonly #server = createServer((socket) => {
    this.connections++
    this.sockets.add(socket)
    socket.on('close', () => { this.sockets.delete(socket) })
    socket.on('error', () => undefined)
    socket.on('data', (data) => {
      for (const command of data.toString().match(/\*\d+\r\n(?:\$\d+\r\n[^\r]*\r\n)+/g) ?? []) {
        const name = command.split('\r\n')[2]?.toLowerCase()
        if (name === 'set') this.asked++
        if (name === 'info') socket.write('$9\r\nloading:0\r\n')
        else if (name !== 'set') socket.write(name === 'hello' ? '%1\r\n$5\r\nproto\r\n:3\r\n' : `+OK\r\n${name === 'get' ? this.more : ''}`)
      }
    })
  }).listen(0, '127.0.0.1')

  async start (t: Test): Promise<Commands> {
    await once(this.#server, 'listening')
    const client = connect(`redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`, TEST_TIMINGS)
    t.teardown(() => { client.disconnect(); this.#server.close() })
    await eventually(() => client.status === 'ready', { message: 'ready' })
    return client
  }

  say (text: string): void {
    for (const socket of this.sockets) socket.write(text)
  }
}

t.test('An answer that no command waits for', async (t) => {
  for (const [what, answer] of [['nil', '$-1\r\n'], ['a null', '_\r\n'], ['nils', '$-1\r\n_\r\n$-1\r\n'], ['an empty list', '*0\r\n'], ['a text', '+OK\r\n'], ['an error', '-ERR surplus\r\n'], ['an error and nil', '-ERR surplus\r\n_\r\n'], ['twenty texts', '+OK\r\n'.repeat(20)]] as const) {
    t.test(`${what}: makes for another connection, and ends nothing`, async (t) => {
      const server = new TalkativeServer()
      const client = await server.start(t)
      const errors: string[] = []
      client.on('error', ({ message }: Error) => { errors.push(message) })
      const { connections } = server
      server.say(answer)
      await eventually(() => server.connections > connections && client.status === 'ready', { message: 'another connection' })
      t.equal(errors.filter((message) => message === 'received an answer without a pending command').length, 1, 'once')
      t.equal(await client.get('x'), 'OK')
    })
  }

  t.test('right behind that of the last command does not change what was answered', async (t) => {
    const server = new TalkativeServer()
    const client = await server.start(t)
    const { connections } = server
    server.more = '$-1\r\n'
    t.equal(await client.get('x'), 'OK')
    server.more = ''
    await eventually(() => server.connections > connections && client.status === 'ready', { message: 'another connection' })
    t.equal(await client.get('x'), 'OK')
  })

  t.test('does not keep a lost connection from refusing what it was asked', async (t) => {
    const server = new TalkativeServer()
    const client = await server.start(t)
    for (let round = 0; round < 3; round++) {
      const asked = Promise.allSettled([client.set('x', 1), client.set('x', 2)])
      await eventually(() => server.asked === 2 * (round + 1), { message: 'asked' })
      for (const socket of server.sockets) socket.destroy()
      t.match((await asked).map(({ status }) => status), ['rejected', 'rejected'])
      await eventually(() => client.status === 'ready', { message: 'ready' })
    }
    t.equal(await client.get('x'), 'OK')
  })

  t.test('leaves the clients of the host alone', async (t) => {
    const server = await startRedis(t)
    const host = new Redis(server.socket)
    t.teardown(() => { host.disconnect() })
    const own = Object.getOwnPropertyDescriptor(host, 'commandQueue')
    await startNode(t, { redis: host })
    t.strictSame(Object.keys(Object.getOwnPropertyDescriptor(host, 'commandQueue') ?? {}), Object.keys(own ?? {}))
  })

  t.test('costs an instance a moment, and no message', async (t) => {
    const server = await startRedis(t)
    const proxy = await startProxy(t, server.socket)
    const node = await startNode(t, { redis: proxy.url })
    await node.join('room')
    await node.publish('room', 1)
    proxy.tell('evalsha', '$-1\r\n')
    await node.turned(false)
    await node.turned(true)
    await node.publish('room', 2)
    await node.handed('room', 2)
    t.strictSame([node.messages('room'), await node.told()], [['1', '2'], []])
    t.ok(node.statuses.some(({ reason }) => reason === 'received an answer without a pending command'))
  })
})
