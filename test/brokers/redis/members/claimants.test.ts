import t from 'tap'
import { Claimants } from '../../../../src/brokers/redis/members/claimants.js'

t.test('Claimants', async (t) => {
  t.test('takes a silent claimant for dead when its time is over, and an unknown one as long after it was found', async (t) => {
    const claimants = new Claimants(10)
    claimants.heard('a', 0)
    t.equal(claimants.isDead('a', 10), false)
    t.equal(claimants.isDead('a', 11), true)
    t.equal(claimants.isDead('b', 100), false)
    t.equal(claimants.isDead('b', 110), false)
    t.equal(claimants.isDead('b', 111), true)
    claimants.heard('b', 112)
    t.equal(claimants.isDead('b', 122), false)
    claimants.spare(200)
    t.equal(claimants.isDead('a', 210), false)
  })

  t.test('is another one each time it is renewed, never dead itself, and knows its last predecessors', async (t) => {
    const claimants = new Claimants(10)
    t.strictSame(claimants.own, [])
    const names = Array.from({ length: 10 }, () => { claimants.renew(); return claimants.own[0] as string })
    t.equal(new Set(names).size, 10)
    t.strictSame(claimants.own, names.slice(2).reverse())
    const [own = '', former = ''] = claimants.own
    claimants.isDead(own, 0)
    claimants.isDead(former, 0)
    t.equal(claimants.isDead(own, 100), false)
    t.equal(claimants.isDead(former, 100), true, 'what is left over of a predecessor is anybody\'s')
  })

  t.test('remembers 10,000, and forgets the one that was silent longest', async (t) => {
    const claimants = new Claimants(10)
    for (let number = 0; number < 10_000; number++) claimants.heard(String(number), 0)
    claimants.heard('0', 1)
    claimants.heard('more', 1)
    t.equal(claimants.isDead('0', 100), true)
    t.equal(claimants.isDead('2', 100), true)
    t.equal(claimants.isDead('1', 100), false, 'unknown again')
  })
})
