import t, { type Test } from 'tap'
import { type GrantDetails, unlimited } from '../../src/access/grant.js'
import { Revocations, revocationText } from '../../src/access/revocations.js'
import { GrantExpiry } from '../../src/access/grant-expiry.js'
import { closeCodeOf } from '../../src/wire/close.js'
import { FakeSubscriber } from '../channels/fake-subscriber.js'
import { FakeClock } from '../clock.js'

/** GrantExpiry whose subscribers have names, and what became of them. */
class Bench {
  readonly clock: FakeClock
  readonly revocations = new Revocations()
  readonly grantExpiry: GrantExpiry
  /** `<name> <code> <reason>`, in the order in which they were ended. */
  readonly ended: string[] = []
  readonly #names = new Map<unknown, string>()

  constructor (t: Test) {
    this.clock = new FakeClock(t)
    this.grantExpiry = new GrantExpiry({
      revocations: this.revocations,
      refuse: (subscriber, { statusCode, code }) => { this.ended.push(`${this.#names.get(subscriber)} ${closeCodeOf(statusCode)} ${code}`) }
    })
    this.revocations.onAdded = () => { this.grantExpiry.revoke() }
  }

  add (name: string, details: GrantDetails): FakeSubscriber {
    const subscriber = new FakeSubscriber()
    this.#names.set(subscriber, name)
    this.grantExpiry.add(subscriber, unlimited(details))
    return subscriber
  }

  revoke (value: string): void {
    this.revocations.add(revocationText({ claim: 'sub', value, at: this.clock.now, until: this.clock.now + 1_000_000 }))
  }
}

t.test('a subscription whose grant ends', async (t) => {
  t.test('is ended with 4401 within a tenth of a second after its time, and not before', async (t) => {
    const { clock, ended, grantExpiry, add } = bind(new Bench(t))
    add('a', { expiresAt: clock.now + 1_030 })
    clock.pass(1_029)
    t.strictSame(ended, [])
    clock.pass(101)
    t.strictSame(ended, ['a 4401 MSG_ERR_TOKEN_EXPIRED'])
    t.match([grantExpiry.size, clock.timers], [0, 0])
  })

  t.test('is ended to the moment where that is the border of two slots', async (t) => {
    const { clock, ended, add } = bind(new Bench(t))
    add('a', { expiresAt: clock.now + 500 })
    clock.pass(499)
    t.strictSame(ended, [])
    clock.pass(1)
    t.strictSame(ended, ['a 4401 MSG_ERR_TOKEN_EXPIRED'])
  })

  t.test('is ended with the next slot where its time is over when it begins', async (t) => {
    const { clock, ended, add } = bind(new Bench(t))
    clock.pass(50)
    add('a', { expiresAt: clock.now - 10_000 })
    t.strictSame(ended, [])
    clock.pass(50)
    t.strictSame(ended, ['a 4401 MSG_ERR_TOKEN_EXPIRED'])
  })

  t.test('that is deleted is not ended, and leaves no timer that goes on', async (t) => {
    const { clock, ended, grantExpiry, add } = bind(new Bench(t))
    const [a, b] = [add('a', { expiresAt: clock.now + 1_000 }), add('b', { expiresAt: clock.now + 1_000 })]
    grantExpiry.delete(a)
    grantExpiry.delete(a)
    clock.pass(500)
    grantExpiry.delete(b)
    clock.pass(100)
    t.match([clock.timers, grantExpiry.size], [0, 0])
    clock.pass(2_000)
    t.strictSame(ended, [])
  })

  t.test('of a grant that cannot end is not tracked', async (t) => {
    const { clock, grantExpiry, add } = bind(new Bench(t))
    grantExpiry.delete(add('a', {}))
    t.match([clock.timers, grantExpiry.size], [0, 0])
  })

  t.test('of a grant that has a holder and no end waits for a revocation, without a timer', async (t) => {
    const { clock, ended, grantExpiry, add, revoke } = bind(new Bench(t))
    add('a', { subject: 'user' })
    grantExpiry.delete(add('b', { subject: 'user' }))
    t.match([clock.timers, grantExpiry.size], [0, 1])
    revoke('user')
    t.strictSame(ended, ['a 4401 MSG_ERR_TOKEN_REVOKED'])
  })
})

t.test('grantExpiry', async (t) => {
  t.test('that end within the same slot are ended together, the others in their turn', async (t) => {
    const { clock, ended, add } = bind(new Bench(t))
    for (const [name, ms] of [['c', 950], ['a', 210], ['b', 290], ['d', 5_000]] as const) add(name, { expiresAt: clock.now + ms })
    t.equal(clock.timers, 1)
    clock.pass(300)
    t.strictSame(ended.map(([name]) => name), ['a', 'b'])
    clock.pass(700)
    t.strictSame(ended.map(([name]) => name), ['a', 'b', 'c'])
    t.equal(clock.timers, 1)
    clock.pass(4_000)
    t.strictSame(ended.map(([name]) => name), ['a', 'b', 'c', 'd'])
    t.equal(clock.timers, 0)
  })

  t.test('begin again after they were empty for long', async (t) => {
    const { clock, ended, add } = bind(new Bench(t))
    add('a', { expiresAt: clock.now + 100 })
    clock.pass(10_000_000)
    add('b', { expiresAt: clock.now + 100 })
    clock.pass(200)
    t.strictSame(ended.map(([name]) => name), ['a', 'b'])
  })

  t.test('end when the clock says so, also when it is put back', async (t) => {
    const { clock, ended, add } = bind(new Bench(t))
    add('a', { expiresAt: clock.now + 10_000 })
    clock.pass(5_000)
    clock.now -= 20_000
    add('b', { expiresAt: clock.now + 1_000 })
    clock.pass(900)
    t.strictSame(ended, [])
    clock.pass(200)
    t.strictSame(ended.map(([name]) => name), ['b'])
    clock.pass(20_000 + 4_000)
    t.strictSame(ended.map(([name]) => name), ['b', 'a'])
    t.equal(clock.timers, 0)
  })

  t.test('end by the wall clock, also when it is put back while no subscriber comes', async (t) => {
    const { clock, ended, add } = bind(new Bench(t))
    add('a', { expiresAt: clock.now + 10_000 })
    clock.pass(5_000)
    clock.now -= 20_000
    clock.pass(24_900)
    t.strictSame(ended, [])
    clock.pass(200)
    t.strictSame(ended.map(([name]) => name), ['a'])
  })

  t.test('end at once when the clock is put forward, by years as well', async (t) => {
    const { clock, ended, add } = bind(new Bench(t))
    for (const [name, ms] of [['a', 1_000], ['b', 3_600_000]] as const) add(name, { expiresAt: clock.now + ms })
    add('c', { expiresAt: clock.now + 100 * 365 * 86_400_000 })
    const { user } = process.cpuUsage()
    clock.now += 50 * 365 * 86_400_000
    clock.pass(100)
    t.strictSame(ended.map(([name]) => name), ['a', 'b'])
    t.ok(process.cpuUsage().user - user < 500_000, 'without going through every slot')
  })

  t.test('that a revocation is about are ended at once, and no other', async (t) => {
    const { clock, ended, grantExpiry, add, revoke } = bind(new Bench(t))
    add('before', { subject: 'user', issuedAt: clock.now - 1, expiresAt: clock.now + 1_000 })
    add('after', { subject: 'user', issuedAt: clock.now + 1, expiresAt: clock.now + 1_000 })
    add('other', { subject: 'other', expiresAt: clock.now + 1_000 })
    revoke('user')
    t.strictSame(ended, ['before 4401 MSG_ERR_TOKEN_REVOKED'])
    t.equal(grantExpiry.size, 2)
    clock.pass(1_000)
    t.equal(ended.length, 3)
  })

  t.test('are let go of when they are closed', async (t) => {
    const { clock, ended, grantExpiry, add, revoke } = bind(new Bench(t))
    add('a', { subject: 'user', expiresAt: clock.now + 1_000 })
    grantExpiry.close()
    t.match([clock.timers, grantExpiry.size], [0, 0])
    revoke('user')
    clock.pass(2_000)
    t.strictSame(ended, [])
  })
})

/** So that a test names what it uses. */
function bind (bench: Bench): Pick<Bench, 'clock' | 'ended' | 'grantExpiry' | 'add' | 'revoke'> {
  const { clock, ended, grantExpiry } = bench
  return { clock, ended, grantExpiry, add: (...args) => bench.add(...args), revoke: (value) => { bench.revoke(value) } }
}
