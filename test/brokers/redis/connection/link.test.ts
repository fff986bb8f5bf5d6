import { EventEmitter } from 'node:events'
import t, { type Test } from 'tap'
import type { Commands } from '../../../../src/brokers/redis/connection/connection.js'
import { Link } from '../../../../src/brokers/redis/connection/link.js'
import type { Timings } from '../../../../src/brokers/redis/connection/timings.js'
import { eventually } from '../../../eventually.js'
import { TEST_TIMINGS } from '../redis-node.js'

/** A client of which the test decides what happens to its connection. */
class FakeClient extends EventEmitter {
  status = 'ready'
  disconnects: boolean[] = []
  stream = { bytesRead: 0 }
  pings = 0
  /** Answers a ping. */
  answer: () => Promise<string> = () => Promise.resolve('PONG')

  constructor (readonly isCluster: boolean) {
    super()
  }

  ping (): Promise<string> {
    this.pings++
    return this.answer()
  }

  disconnect (reconnect = false): void {
    this.disconnects.push(reconnect)
  }

  enter (status: string): void {
    this.status = status
    this.emit(status)
  }
}

function createLink (
  t: Test, isCluster: boolean, timings: Partial<Timings> = { checkMs: 1e6 }
): { link: Link, clients: FakeClient[], told: string[] } {
  const clients: FakeClient[] = []
  const told: string[] = []
  const link = new Link({ ...TEST_TIMINGS, ...timings }, {
    open () {
      const client = new FakeClient(isCluster)
      clients.push(client)
      return client as unknown as Commands
    },
    onReady () { told.push('ready') },
    onLost (reason) { told.push(reason) }
  })
  t.teardown(() => { link.close() })
  return { link, clients, told }
}

t.test('A link', async (t) => {
  t.test('is made anew once, however many channels find that it does not answer', async (t) => {
    const { link, clients: [client], told } = createLink(t, false)
    for (let channel = 0; channel < 20; channel++) link.reconnect()
    t.strictSame(client?.disconnects, [true])
    client?.enter('close')
    client?.enter('reconnecting')
    client?.enter('ready')
    t.strictSame(told, ['the connection was lost', 'ready'])
  })

  t.test('is made anew again when the connection after that does not answer either', async (t) => {
    for (const event of ['ready', 'close', 'end']) {
      const { link, clients: [client] } = createLink(t, false)
      link.reconnect()
      client?.enter(event)
      client?.enter('connecting')
      link.reconnect()
      t.strictSame(client?.disconnects, [true, true], event)
    }
  })

  t.test('is made anew again when the client goes on to connect and tells of no end', async (t) => {
    const { clients: [client] } = createLink(t, false, { checkMs: 5, commandMs: 5 })
    if (client === undefined) throw new Error('no client')
    client.status = 'connecting'
    await eventually(() => client.disconnects.length >= 3, { message: () => `${client.disconnects.length} attempts` })
    t.ok(client.disconnects.every((reconnect) => reconnect))
  })

  t.test('is made anew when a ping is not answered and nothing arrives', async (t) => {
    const { clients: [client] } = createLink(t, false, { checkMs: 5, commandMs: 5 })
    if (client === undefined) throw new Error('no client')
    await eventually(() => client.pings >= 3, { message: 'pings' })
    t.strictSame(client.disconnects, [], 'all of them are answered')
    client.answer = () => Promise.reject(new Error('Command timed out'))
    const { pings } = client
    await eventually(() => client.disconnects.length === 1, { message: 'an end' })
    t.equal(client.pings - pings, 1)
  })

  t.test('is made anew only at the third ping without an answer while something arrives', async (t) => {
    const { clients: [client] } = createLink(t, false, { checkMs: 5, commandMs: 5 })
    if (client === undefined) throw new Error('no client')
    let refused = 0
    const refuse = (): Promise<string> => {
      refused++
      // Data that arrives only after the timer of the command.
      setImmediate(() => { client.stream.bytesRead++ })
      return Promise.reject(new Error('Command timed out'))
    }
    // Two of three.
    client.answer = () => client.pings % 3 === 0 ? Promise.resolve('PONG') : refuse()
    await eventually(() => refused >= 6, { message: 'pings without an answer' })
    t.strictSame(client.disconnects, [])
    client.answer = refuse
    await eventually(() => client.disconnects.length === 1, { message: 'an end' })
  })

  t.test('can be ended while it is made anew by itself, where it was reported dead in between', async (t) => {
    const { link, clients: [client] } = createLink(t, false)
    client?.enter('reconnecting')
    link.reconnect()
    t.strictSame(client?.disconnects, [], 'there is nothing to end yet')
    client?.enter('connecting')
    link.reconnect()
    t.strictSame(client?.disconnects, [true], 'a connection that is not answered can be')
  })

  t.test('to a cluster has its client replaced once, and not while that one connects', async (t) => {
    const { link, clients, told } = createLink(t, true)
    link.reconnect()
    const [first, second] = clients as [FakeClient, FakeClient]
    t.strictSame(first.disconnects, [false])
    t.equal(link.client, second)
    t.strictSame(told, ['the connection was lost'])
    second.status = 'connecting'
    for (let channel = 0; channel < 20; channel++) link.reconnect()
    t.equal(clients.length, 2)
    second.enter('ready')
    first.enter('ready')
    t.strictSame(told, ['the connection was lost', 'ready'], 'nothing is heard of the first one any more')
  })

  t.test('to a cluster has a client replaced that does not get ready, also one of another make', async (t) => {
    const { link, clients } = createLink(t, true, { checkMs: 5, commandMs: 5 })
    const [first] = clients as [FakeClient]
    first.status = 'disconnecting'
    await eventually(() => clients.length === 2, { message: 'another client' })
    t.strictSame(first.disconnects, [false])
    t.equal(link.client, clients[1])
  })
})
