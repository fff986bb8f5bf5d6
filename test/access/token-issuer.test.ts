import t from 'tap'
import type { Grant } from '../../src/access/grant.js'
import { Revocations, revocationText } from '../../src/access/revocations.js'
import { TokenIssuer, type TokenIssuerOptions } from '../../src/access/token-issuer.js'
import { TokenVerifier } from '../../src/access/token-verifier.js'
import { FakeClock } from '../clock.js'
import { SECRET } from '../tokens.js'

function claimsOf (token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>
}

function createIssuer (options: Partial<TokenIssuerOptions> = {}, revocations = new Revocations()): TokenIssuer {
  return new TokenIssuer({ secret: SECRET, issuer: undefined, audience: undefined, ...options }, revocations)
}

const VERIFIER = { keys: [{ algorithm: 'HS256', key: SECRET }], keySet: undefined, issuers: ['me'], audiences: ['push'], maxTtlMs: 86_400_000 } as const

t.test('a token that is made', async (t) => {
  t.test('says what was asked for and until when, in whole seconds', async (t) => {
    const clock = new FakeClock(t)
    clock.pass(300)
    const { token, exp } = createIssuer().issue({ subscribe: ['a*'], send: ['b'], sub: 'user', jti: 'id', ttlMs: 60_000 })
    t.strictSame(claimsOf(token), { subscribe: ['a*'], send: ['b'], sub: 'user', jti: 'id', iat: 1_000_000_000, exp: 1_000_000_060 })
    t.equal(exp, 1_000_000_060)
    t.strictSame(Object.keys(claimsOf(createIssuer().issue({ subscribe: ['a'], jti: 'id', ttlMs: 1_000 }).token)), ['subscribe', 'jti', 'iat', 'exp'], 'nothing that was not asked for')
  })

  t.test('is one that a verifier of the same configuration takes', async (t) => {
    const { token } = createIssuer({ issuer: 'me', audience: 'push' }).issue({ subscribe: ['room'], jti: 'id', ttlMs: 60_000 })
    t.match(claimsOf(token), { iss: 'me', aud: 'push' })
    const grant = new TokenVerifier(VERIFIER).verify(token) as Grant
    t.match(grant, { tokenId: 'id' })
    t.equal(grant.covers('subscribe', 'room'), true)
  })

  t.test('in the same second in which its holder was revoked is good, and those from before are not', async (t) => {
    const clock = new FakeClock(t)
    const revocations = new Revocations()
    const issuer = createIssuer({ issuer: 'me', audience: 'push' }, revocations)
    const issue = (): Grant => new TokenVerifier(VERIFIER).verify(issuer.issue({ subscribe: ['*'], sub: 'user', jti: 'id', ttlMs: 60_000 }).token) as Grant
    clock.pass(100)
    const before = issue()
    clock.pass(100)
    revocations.add(revocationText({ claim: 'sub', value: 'user', at: clock.now, until: clock.now + 1_000_000 }))
    const after = issue()
    t.strictSame([revocations.has(before), revocations.has(after)], [true, false])
    clock.pass(10_000)
    t.equal(issue().issuedAt, 1_000_000_010_000, 'later ones say when they were made')
  })
})
