import type { Redis } from 'ioredis'
import t from 'tap'
import { guardAsking } from '../../../../src/brokers/redis/connection/asking.js'
import { turn } from '../../../eventually.js'

t.test('ASKING to a node of a cluster', async (t) => {
  t.test('is not an unhandled rejection when the connection to the node is lost', async (t) => {
    const node = { asking: () => Promise.reject(new Error('Connection is closed.')) } as unknown as Redis
    guardAsking(node)
    const unhandled: unknown[] = []
    const listen = (reason: unknown): void => { unhandled.push(reason) }
    process.on('unhandledRejection', listen)
    t.teardown(() => { process.off('unhandledRejection', listen) })
    void node.asking()
    await turn()
    await turn()
    t.strictSame(unhandled, [])
  })

  t.test('still resolves and rejects for a caller that waits', async (t) => {
    const failure = new Error('Connection is closed.')
    let lost = false
    const node = { asking: () => lost ? Promise.reject(failure) : Promise.resolve('OK') } as unknown as Redis
    guardAsking(node)
    t.equal(await node.asking(), 'OK')
    lost = true
    await t.rejects(node.asking(), failure)
  })
})
