import t from 'tap'
import { Grant, unlimited } from '../../src/access/grant.js'
import { Patterns } from '../../src/access/patterns.js'

t.test('a grant', async (t) => {
  t.test('covers each action on channels of its own', async (t) => {
    const grant = new Grant({ subscribe: new Patterns(['a*']), send: new Patterns([]) })
    t.strictSame([grant.covers('subscribe', 'ab'), grant.covers('subscribe', 'b'), grant.covers('send', 'ab')], [true, false, false])
  })

  t.test('can end when it has a time, a holder or an id', async (t) => {
    for (const details of [{ expiresAt: 1 }, { subject: 'user' }, { tokenId: 'token' }]) t.equal(unlimited(details).canEnd, true, JSON.stringify(details))
    for (const details of [undefined, {}, { issuedAt: 1 }]) t.equal(unlimited(details).canEnd, false, JSON.stringify(details))
  })

  t.test('without limits covers everything', async (t) => {
    t.strictSame([unlimited().covers('subscribe', 'a'), unlimited().covers('send', 'b')], [true, true])
  })
})
