import t from 'tap'
import { type Grant, unlimited } from '../../src/access/grant.js'
import { type Revocation, Revocations, revocationText } from '../../src/access/revocations.js'
import { thrown } from '../codes.js'

const AT = 100_000

function revocation (changes: Partial<Revocation> = {}): string {
  return revocationText({ claim: 'sub', value: 'user', at: AT, until: 2 * AT, ...changes })
}

function grant (details: { subject?: string, tokenId?: string, issuedAt?: number }): Grant {
  return unlimited(details)
}

t.test('a revocation', async (t) => {
  t.test('of a subject ends what it got until then and nothing that it gets later', async (t) => {
    const revocations = new Revocations()
    const [before, then, after] = [AT - 1, AT, AT + 1].map((issuedAt) => grant({ subject: 'user', issuedAt }))
    t.equal(revocations.has(before as Grant), false, 'before it is known')
    revocations.add(revocation())
    t.strictSame([before, then, after].map((one) => revocations.has(one as Grant)), [true, true, false])
    t.equal(revocations.has(grant({ subject: 'other', issuedAt: 0 })), false)
    t.equal(revocations.has(grant({ tokenId: 'user', issuedAt: 0 })), false, 'a token of that name is another matter')
    t.equal(revocations.has(grant({ issuedAt: 0 })), false, 'who has no name is not meant')
  })

  t.test('of a subject reaches as far as the clock of an issuer was seen to be ahead, in whole minutes', async (t) => {
    const revocations = new Revocations()
    revocations.add(revocation())
    const issued = (issuedAt: number): boolean => revocations.has(grant({ subject: 'user', issuedAt }))
    // An issuer whose subject was revoked in the same second names the next one.
    revocations.observe(AT + 2_000, AT)
    t.equal(issued(AT + 1), false)
    revocations.observe(AT + 59_000, AT)
    t.strictSame([issued(AT + 60_000), issued(AT + 60_001)], [true, false])
    revocations.observe(AT + 10_000, AT)
    t.equal(revocations.revokedUntil('user'), AT + 60_000)
    revocations.observe(AT + 86_400_000, AT)
    t.equal(revocations.revokedUntil('user'), AT + 300_000, 'not without end')
    t.equal(revocations.revokedUntil('other'), 0)
  })

  t.test('of a subject ends a token that does not say when it was made, for as long as it is remembered', async (t) => {
    const revocations = new Revocations()
    t.equal(revocations.has(grant({ subject: 'user' })), false)
    revocations.add(revocation())
    t.equal(revocations.has(grant({ subject: 'user' })), true)
  })

  t.test('of a token ends that token, whenever it was made', async (t) => {
    const revocations = new Revocations()
    revocations.add(revocation({ claim: 'jti', value: 'token' }))
    t.equal(revocations.has(grant({ subject: 'user', tokenId: 'token', issuedAt: 2 * AT })), true)
    t.equal(revocations.has(grant({ subject: 'token', tokenId: 'other' })), false)
    t.equal(revocations.revokedAt('token'), 0)
  })

  t.test('is nothing else: another text, as that of another version, changes nothing', (t) => {
    const revocations = new Revocations()
    for (const text of ['', 'later', 'null', '1', '[]', '{}', '{"claim":"aud","value":"x","at":1,"until":2}', '{"claim":"sub","value":1,"at":1,"until":2}', '{"claim":"sub","value":"x","at":"1","until":2}', '{"claim":"sub","value":"x","at":1,"until":1e999}', '{"claim":"sub"']) {
      revocations.add(text)
      t.equal(revocations.size, 0, text)
    }
    t.end()
  })

  t.test('is joined with an earlier one of the same name: the later times count', async (t) => {
    const revocations = new Revocations()
    let added = 0
    revocations.onAdded = () => { added++ }
    revocations.add(revocation({ at: 2, until: 20 }))
    revocations.add(revocation({ at: 1, until: 30 }))
    t.equal(revocations.revokedAt('user'), 2)
    revocations.add(revocation({ at: 3, until: 10 }))
    t.equal(revocations.revokedAt('user'), 3)
    t.match([revocations.size, added], [1, 3])
    for (const known of [{ at: 3, until: 30 }, { at: 2, until: 10 }]) revocations.add(revocation(known))
    t.equal(added, 3, 'what is known already is not news')
  })
})

t.test('revocations', async (t) => {
  t.test('are limited in number, and only those of expired tokens are dropped to make room', async (t) => {
    const revocations = new Revocations(2)
    revocations.assertRoom(0)
    revocations.add(revocation({ value: 'a', until: 10 }))
    revocations.assertRoom(0)
    revocations.add(revocation({ value: 'b', until: 20 }))
    t.equal(thrown(() => { revocations.assertRoom(9) }), 'MSG_ERR_REVOCATIONS_FULL')
    t.equal(revocations.size, 2)
    revocations.assertRoom(10)
    t.equal(revocations.size, 1)
    t.equal(revocations.revokedAt('b'), AT)
  })

  t.test('are kept while there is room', async (t) => {
    const revocations = new Revocations(3)
    revocations.add(revocation({ until: 1 }))
    revocations.assertRoom(2)
    t.equal(revocations.size, 1)
  })

  t.test('can be added without a listener', async (t) => {
    const revocations = new Revocations()
    revocations.add(revocation())
    t.equal(revocations.size, 1)
  })
})
