import t from 'tap'
import { type Claims, grantOf, MAX_NAME_LENGTH, MAX_PATTERNS } from '../../src/access/claims.js'
import { thrown } from '../codes.js'

const NOW = 1_000_000
const TTL_MS = 60_000

function refusal (claims: Claims): string {
  try {
    grantOf({ exp: 1_010, ...claims }, TTL_MS, NOW)
    return 'no refusal'
  } catch (error) {
    return (error as Error).message
  }
}

t.test('grantOf', async (t) => {
  t.test('reads the patterns, the subject and the lifetime of a token', async (t) => {
    const grant = grantOf({ subscribe: ['a*'], send: ['b'], sub: 'user', jti: 'token', iat: 990, exp: 1_010, more: 'is ignored' }, TTL_MS, NOW)
    t.match(grant, { subject: 'user', tokenId: 'token', issuedAt: 990_000, expiresAt: 1_010_000 })
    t.strictSame([grant.covers('subscribe', 'abc'), grant.covers('subscribe', 'b'), grant.covers('send', 'b'), grant.covers('send', 'abc')], [true, false, true, false])
  })

  t.test('grants nothing that is not claimed', async (t) => {
    const grant = grantOf({}, Infinity, NOW)
    t.strictSame([grant.covers('subscribe', 'a'), grant.covers('send', 'a'), grant.canEnd], [false, false, false])
    t.match(grant, { subject: undefined, tokenId: undefined, issuedAt: 0, expiresAt: Infinity })
  })

  t.test('refuses subscribe and send that are not lists of at most 100 patterns', async (t) => {
    for (const claim of ['subscribe', 'send']) {
      for (const value of ['room', null, 7, true, {}, { 0: 'a', length: 1 }, ['a b'], ['a', ''], ['a', 7], [['a']], ['x'.repeat(101)], Array<string>(MAX_PATTERNS + 1).fill('a')]) {
        t.match(refusal({ [claim]: value }), `${claim} must be a list of at most 100 patterns of channels`, JSON.stringify(value))
      }
      t.equal(refusal({ [claim]: Array<string>(MAX_PATTERNS).fill('a') }), 'no refusal')
    }
  })

  t.test('refuses sub and jti that are not texts of at most 255 characters', async (t) => {
    for (const claim of ['sub', 'jti']) {
      for (const value of [7, null, false, {}, ['a'], 'x'.repeat(MAX_NAME_LENGTH + 1)]) t.match(refusal({ [claim]: value }), `${claim} must be a text of at most 255 characters`, JSON.stringify(value))
      for (const value of ['', 'x'.repeat(MAX_NAME_LENGTH)]) t.equal(refusal({ [claim]: value }), 'no refusal')
    }
  })

  t.test('refuses exp and iat that are not numbers', async (t) => {
    for (const claim of ['exp', 'iat']) {
      for (const value of ['1010', null, true, {}, [1_010]]) t.match(refusal({ [claim]: value }), `${claim} must be a number of seconds`, JSON.stringify(value))
    }
  })

  t.test('refuses a token that lives longer than a revocation is remembered', async (t) => {
    t.equal(refusal({ exp: 1_060 }), 'no refusal')
    t.match(refusal({ exp: 1_061 }), 'exp must be at most 60 s from now (TOKEN_MAX_TTL)')
    t.match(refusal({ exp: Infinity }), 'exp must be at most 60 s')
    t.equal(thrown(() => grantOf({ exp: 1_061 }, TTL_MS, NOW)), 'MSG_ERR_TOKEN_REFUSED')
  })
})
