import t from 'tap'
import type { Link } from '../../../../src/brokers/redis/connection/link.js'
import { Subscriptions } from '../../../../src/brokers/redis/connection/subscriptions.js'
import { Names } from '../../../../src/brokers/redis/names.js'
import { TEST_TIMINGS } from '../redis-node.js'

t.test('Subscriptions of a cluster whose client knows no node to subscribe at', async (t) => {
  const unknown = new Error('No sharded subscriber for slot: 1')
  let refusal: Error | undefined
  let reconnects = 0
  const ssubscribe = (): Promise<void> => refusal === undefined ? Promise.resolve() : Promise.reject(refusal)
  const link = { client: { ssubscribe }, reconnect: () => { reconnects++ } } as unknown as Link
  const create = (commandMs: number): Subscriptions => new Subscriptions(link, new Names('m:', 0), { ...TEST_TIMINGS, commandMs })
  t.beforeEach(() => {
    refusal = unknown
    reconnects = 0
  })

  t.test('have the client replaced once that has lasted for half of the time of a command', async (t) => {
    const subscriptions = create(0)
    await t.rejects(subscriptions.subscribe('room'), unknown)
    t.equal(reconnects, 1)
  })

  t.test('leave the client alone before, and after a subscription that succeeded', async (t) => {
    const subscriptions = create(1e9)
    await t.rejects(subscriptions.subscribe('room'), unknown)
    refusal = undefined
    await subscriptions.subscribe('room')
    refusal = unknown
    await t.rejects(subscriptions.subscribe('room'), unknown)
    t.equal(reconnects, 0)
  })

  t.test('leave the client alone where the server refuses', async (t) => {
    const refused = refusal = new Error('NOPERM')
    await t.rejects(create(0).subscribe('room'), refused)
    t.equal(reconnects, 0)
  })
})
