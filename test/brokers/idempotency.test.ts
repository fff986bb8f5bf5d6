import t from 'tap'
import { IDEMPOTENCY_TTL_MS, IdempotencyKeys } from '../../src/brokers/idempotency.js'

const PUBLISHED = { epoch: 'e', offset: 7, subscribers: 3 }

t.test('IdempotencyKeys', async (t) => {
  t.test('knows a key for five minutes', (t) => {
    const keys = new IdempotencyKeys()
    t.equal(keys.find('room', 'k', '1', 0), undefined)
    keys.remember('room', 'k', '1', PUBLISHED, 0)
    t.strictSame(keys.find('room', 'k', '1', IDEMPOTENCY_TTL_MS - 1), { ...PUBLISHED, duplicate: true })
    t.throws(() => keys.find('room', 'k', '2', 1), { code: 'MSG_ERR_IDEMPOTENCY_CONFLICT' })
    t.equal(keys.find('room', 'k', '2', IDEMPOTENCY_TTL_MS), undefined)
    keys.remember('room', 'k', '2', PUBLISHED, IDEMPOTENCY_TTL_MS)
    t.equal(keys.size, 1)
    t.ok(keys.find('room', 'k', '2', IDEMPOTENCY_TTL_MS + 1))
    t.end()
  })

  t.test('forgets the oldest first, and only those whose time is over', (t) => {
    const keys = new IdempotencyKeys()
    for (let time = 0; time < 10; time++) keys.remember('room', `k${time}`, '1', PUBLISHED, time)
    keys.expire(IDEMPOTENCY_TTL_MS + 4)
    t.equal(keys.size, 5)
    keys.expire(IDEMPOTENCY_TTL_MS + 100)
    t.equal(keys.size, 0)
    t.end()
  })

  t.test('takes a bounded number of keys: a further one is refused, none is forgotten early', (t) => {
    const keys = new IdempotencyKeys(1_000)
    let taken = 0
    t.throws(() => {
      for (;; taken++) {
        t.equal(keys.find('room', `k${taken}`, '1', 0), undefined)
        keys.remember('room', `k${taken}`, '1', PUBLISHED, 0)
      }
    }, { code: 'MSG_ERR_IDEMPOTENCY_FULL', statusCode: 503 })
    t.equal(keys.size, taken)
    t.ok(keys.find('room', 'k0', '1', 1), 'those that it has are still known')
    t.equal(keys.find('room', 'new', '1', IDEMPOTENCY_TTL_MS), undefined, 'and make room when their time is over')
    t.equal(keys.size, 0)
    t.end()
  })
})
