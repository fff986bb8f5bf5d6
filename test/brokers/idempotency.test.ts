import t from 'tap'
import { IDEMPOTENCY_TTL_MS, IdempotencyKeys } from '../../src/brokers/idempotency.js'

const PUBLISHED = { epoch: 'e', offset: 7, subscribers: 3 }
const DUPLICATE = { ...PUBLISHED, duplicate: true }

/** Publishes to one channel, and counts how often that was done. */
class Publications {
  count = 0

  constructor (readonly keys = new IdempotencyKeys()) {}

  once (key: string, message: string, now: number): unknown {
    return this.keys.once('room', key, message, now, () => {
      this.count++
      return PUBLISHED
    })
  }
}

t.test('IdempotencyKeys', async (t) => {
  t.test('knows a key for five minutes', (t) => {
    const publications = new Publications()
    t.strictSame(publications.once('k', '1', 0), PUBLISHED)
    t.strictSame(publications.once('k', '1', IDEMPOTENCY_TTL_MS - 1), DUPLICATE)
    t.throws(() => publications.once('k', '2', 1), { code: 'MSG_ERR_IDEMPOTENCY_CONFLICT' })
    t.equal(publications.count, 1)
    t.strictSame(publications.once('k', '2', IDEMPOTENCY_TTL_MS), PUBLISHED)
    t.equal(publications.count, 2)
    t.equal(publications.keys.size, 1)
    t.strictSame(publications.once('k', '2', IDEMPOTENCY_TTL_MS + 1), DUPLICATE)
    t.end()
  })

  t.test('distinguishes the channels', (t) => {
    const { keys } = new Publications()
    for (const channel of ['a', 'b']) t.strictSame(keys.once(channel, 'k', '1', 0, () => PUBLISHED), PUBLISHED)
    t.end()
  })

  t.test('keeps no key of what could not be published', (t) => {
    const { keys } = new Publications()
    t.throws(() => keys.once('room', 'k', '1', 0, () => { throw new Error('closed') }), { message: 'closed' })
    t.equal(keys.size, 0)
    t.end()
  })

  t.test('forgets the oldest first, and only those whose time is over', (t) => {
    const publications = new Publications()
    const { keys } = publications
    for (let time = 0; time < 10; time++) publications.once(`k${time}`, '1', time)
    // A key that is used anew is the youngest.
    publications.once('k0', '1', IDEMPOTENCY_TTL_MS)
    keys.expire(IDEMPOTENCY_TTL_MS + 4)
    t.equal(keys.size, 6)
    t.strictSame(publications.once('k0', '1', IDEMPOTENCY_TTL_MS + 4), DUPLICATE)
    keys.expire(2 * IDEMPOTENCY_TTL_MS + 100)
    t.equal(keys.size, 0)
    t.end()
  })

  t.test('takes a bounded number of keys: a further one is refused, none is forgotten early', (t) => {
    const publications = new Publications(new IdempotencyKeys(1_000))
    const { keys } = publications
    t.throws(() => { for (;;) publications.once(`k${publications.count}`, '1', 0) }, { code: 'MSG_ERR_IDEMPOTENCY_FULL', statusCode: 503 })
    const taken = publications.count
    t.equal(keys.size, taken)
    t.strictSame(publications.once('k0', '1', 1), DUPLICATE, 'those that it has are still known')
    t.strictSame(publications.once('k0', '1', IDEMPOTENCY_TTL_MS), PUBLISHED, 'and make room when their time is over')
    t.equal(keys.size, 1)
    for (let number = 1; number < taken; number++) t.strictSame(publications.once(`k${number}`, '1', IDEMPOTENCY_TTL_MS), PUBLISHED, 'all of it')
    t.throws(() => publications.once('one more', '1', IDEMPOTENCY_TTL_MS), { code: 'MSG_ERR_IDEMPOTENCY_FULL' })
    t.end()
  })
})
