import { EventEmitter } from 'node:events'
import t, { type Test } from 'tap'
import { TIMINGS } from '../../../../src/brokers/redis/connection/timings.js'
import type { Commands } from '../../../../src/brokers/redis/connection/connection.js'
import { Names } from '../../../../src/brokers/redis/names.js'
import { InstanceMessages } from '../../../../src/brokers/redis/nodes/instance-messages.js'

/** A connection whose answers the test decides. */
class FakeClient extends EventEmitter {
  readonly published: string[] = []
  isCluster = false
  refusal: Error | undefined

  async subscribe (): Promise<void> {
    if (this.refusal !== undefined) throw this.refusal
  }

  async ssubscribe (): Promise<void> {
    await this.subscribe()
  }

  async publish (_name: string, text: string): Promise<number> {
    if (this.refusal !== undefined) throw this.refusal
    this.published.push(text)
    return 3
  }
}

function create (t: Test): { client: FakeClient, messages: InstanceMessages, settings: { canSend: boolean } } {
  const client = new FakeClient()
  const settings = { canSend: true }
  const messages = new InstanceMessages('here', {
    commands: { client: client as unknown as Commands },
    subscriber: { client: client as unknown as Commands },
    names: new Names('m:', 0),
    timings: TIMINGS,
    count: () => 0,
    occupied: () => [],
    canSend: () => settings.canSend,
    onAnnouncement () {},
    onWitnessRequest () {},
    onReceiptAsked () {},
    onReceiptReported () {}
  })
  t.teardown(() => { messages.counts.stop() })
  return { client, messages, settings }
}

t.test('InstanceMessages', async (t) => {
  t.test('tell how many other instances a request for receipts has reached, where that is known', async (t) => {
    const { client, messages, settings } = create(t)
    const { receipts } = messages
    const ask = (): Promise<number | undefined> => receipts.ask('here.1.1000', 'room', { epoch: 'e', offset: 1 })
    t.equal(await ask(), undefined, 'not before the answers would arrive')
    client.refusal = new Error('away')
    await receipts.open()
    t.equal(await ask(), undefined)
    client.refusal = undefined
    await receipts.open()
    t.equal(receipts.open(), undefined)
    t.equal(await ask(), 2, 'without this one')
    t.match(client.published.at(-1), /^\{"ask":"receipts","receipt":"here\.1\.1000"/)
    client.refusal = new Error('away')
    t.equal(await ask(), undefined, 'the request was lost')
    client.refusal = undefined
    settings.canSend = false
    t.equal(await ask(), undefined)
    settings.canSend = true
    client.isCluster = true
    t.equal(await ask(), undefined, 'a node of a cluster knows its own subscribers alone')
  })

  t.test('leave the texts of other kinds to what they are for', async (t) => {
    const { messages } = create(t)
    messages.receive('m:census', '{"node":"there","number":1,"full":true,"counts":{"room":2}}')
    messages.receive('m:census', '{"receipt":"there.1.1","instance":"other"}')
    t.equal(messages.counts.total('room'), 2)
    t.strictSame(messages.receipts.others('room'), new Map([['there', 2]]))
    t.strictSame(messages.receipts.others('elsewhere'), new Map([['there', 0]]))
  })
})
