import t from 'tap'
import type { Commands } from '../../../../src/brokers/redis/connection/connection.js'
import type { Failover } from '../../../../src/brokers/redis/failover/failover.js'
import { Names } from '../../../../src/brokers/redis/names.js'
import { LogStore } from '../../../../src/brokers/redis/log/log-store.js'

t.test('LogStore', async (t) => {
  t.test('rejects where a script answers what no version of it does, and acknowledges nothing', async (t) => {
    for (const answer of [null, 'OK', [], ['sent'], ['sent', 'a b', '1'], { sent: true }]) {
      const say = (): Promise<unknown> => Promise.resolve(answer)
      const client = { messengerPublish: say, messengerRead: say, messengerTouch: say, messengerVerify: say } as unknown as Commands
      const failover = { admission: { term: 'term' }, acknowledge: () => { t.fail('acknowledged') } } as unknown as Failover
      const store = new LogStore({ client }, failover, { names: new Names('m:', 0), registered: true, size: 1, ttlMs: 1 })
      await t.rejects(store.publish('room', '1', 0, undefined), { code: 'MSG_ERR_ENGINE_UNAVAILABLE' })
      await t.rejects(store.read('room', 'now', 1), { code: 'MSG_ERR_ENGINE_UNAVAILABLE' })
      t.equal(await store.touch('room'), undefined)
      await t.rejects(store.verify('room', { epoch: 'e', offset: 1 }, 'term'), { message: Array.isArray(answer) && answer.length === 1 ? 'room' : /unexpected/ })
    }
  })
})
