import t from 'tap'
import { KeySet } from '../../src/access/key-set.js'
import type { Grant } from '../../src/access/grant.js'
import { readPublicKeys } from '../../src/access/token-keys.js'
import { TokenVerifier, type TokenVerifierOptions } from '../../src/access/token-verifier.js'
import { startJwks, webKey } from './jwks-server.js'
import { goodJwt, jwt, KEYS, OTHER_SECRET, pem, SECRET, seconds } from '../tokens.js'

const HS256 = { algorithm: 'HS256', key: SECRET } as const

function createVerifier (options: Partial<TokenVerifierOptions> = {}): TokenVerifier {
  return new TokenVerifier({ keys: [HS256], keySet: undefined, issuers: [], audiences: [], maxTtlMs: 86_400_000, ...options })
}

/** The code of the refusal of a token and its reason, or `good`. */
async function judge (verifier: TokenVerifier, token: string): Promise<string> {
  try {
    await verifier.verify(token)
    return 'good'
  } catch (error) {
    const { code, message } = error as Error & { code: string }
    return `${code} ${/\((.*)\)/.exec(message)?.[1] ?? ''}`.trim()
  }
}

function unsigned (alg: string): string {
  return `${[{ alg }, { subscribe: ['*'], exp: seconds(60) }].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`
}

const NO_TOKEN = 'MSG_ERR_TOKEN_REFUSED it is not a JSON Web Token'
const FORGED = 'MSG_ERR_TOKEN_REFUSED its signature is not of a key that is accepted'

t.test('a token', async (t) => {
  t.test('is checked at once where its key is known, and grants what it claims', async (t) => {
    const grant = createVerifier().verify(goodJwt({ subscribe: ['room'], sub: 'user', jti: 'id', iat: seconds(0) })) as Grant
    t.match(grant, { subject: 'user', tokenId: 'id' })
    t.strictSame([grant.covers('subscribe', 'room'), grant.covers('subscribe', 'other'), grant.covers('send', 'room')], [true, false, false])
  })

  t.test('is good under each of several secrets, so that they can be changed one after the other', async (t) => {
    const verifier = createVerifier({ keys: [HS256, { algorithm: 'HS256', key: OTHER_SECRET }] })
    for (const key of [SECRET, OTHER_SECRET]) t.equal(await judge(verifier, goodJwt({}, { key })), 'good')
    t.equal(await judge(verifier, goodJwt({}, { key: 'x'.repeat(32) })), FORGED)
    t.equal(await judge(verifier, goodJwt({ exp: seconds(-10) }, { key: SECRET })), 'MSG_ERR_TOKEN_EXPIRED', 'the reason is that of the key that it was signed with')
    t.equal(await judge(verifier, goodJwt({ exp: seconds(-10) }, { key: OTHER_SECRET })), 'MSG_ERR_TOKEN_EXPIRED')
  })

  t.test('is good under public keys for RS256, ES256 and EdDSA, several in one text', async (t) => {
    const verifier = createVerifier({ keys: readPublicKeys(Object.values(KEYS).map(({ publicKey }) => pem(publicKey)).join('\n')) })
    for (const alg of Object.keys(KEYS)) {
      t.equal(await judge(verifier, goodJwt({}, { alg })), 'good', alg)
      const [head, , signature] = goodJwt({}, { alg }).split('.')
      t.equal(await judge(verifier, [head, Buffer.from(JSON.stringify({ subscribe: ['*'], exp: seconds(60) })).toString('base64url'), signature].join('.')), FORGED, alg)
    }
    t.equal(await judge(verifier, goodJwt()), 'MSG_ERR_TOKEN_REFUSED no key is of its algorithm')
  })

  t.test('is checked with the algorithm of the key and not with one of its own choice', async (t) => {
    const verifier = createVerifier({ keys: readPublicKeys(pem(KEYS.RS256.publicKey)) })
    const refused = 'MSG_ERR_TOKEN_REFUSED no key is of its algorithm'
    t.equal(await judge(verifier, goodJwt({}, { alg: 'HS256', key: pem(KEYS.RS256.publicKey) })), refused, 'the public key as a secret')
    t.equal(await judge(verifier, goodJwt({}, { alg: 'RS384', key: KEYS.RS256.privateKey })), refused)
    for (const alg of ['none', 'NONE', 'toString', '__proto__', '']) t.equal(await judge(verifier, unsigned(alg)), refused, alg)
  })

  t.test('is none without a header that names an algorithm', async (t) => {
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    for (const header of [{}, { alg: 7 }, { alg: null }, null, 7, 'HS256', []]) t.equal(await judge(createVerifier(), `${encode(header)}.${encode({ exp: seconds(60) })}.x`), NO_TOKEN, JSON.stringify(header))
    for (const token of ['', '.', '..', 'nonsense', 'a.b.c', 'ä.ö.ü', encode({ alg: 'HS256' }), `${encode({ alg: 'HS256' })}.`, `${encode({ alg: 'HS256' })}.x`]) t.equal(await judge(createVerifier(), token), NO_TOKEN, token)
  })

  t.test('is none where its claims are no object', async (t) => {
    for (const claims of [null, 7, 'text', true]) t.match(await judge(createVerifier(), jwt(claims)), /^MSG_ERR_TOKEN_REFUSED /, JSON.stringify(claims))
  })

  t.test('is refused without a signature', async (t) => {
    t.match(await judge(createVerifier(), goodJwt().replace(/[^.]*$/, '')), /^MSG_ERR_TOKEN_REFUSED it has no signature/)
  })

  t.test('is refused where its header asks for what is not understood', async (t) => {
    for (const header of [{ crit: ['exp'], exp: 1 }, { crit: ['b64'], b64: false }, { crit: [] }, { crit: 'x' }]) t.equal(await judge(createVerifier(), goodJwt({}, { header })), NO_TOKEN, JSON.stringify(header))
  })

  t.test('of more than 8,192 characters is not looked at', async (t) => {
    const verifier = createVerifier()
    const short = goodJwt({ fill: '' })
    const fitting = goodJwt({ fill: 'x'.repeat(Math.floor((8_192 - short.length) * 3 / 4) - 2) })
    t.ok(fitting.length > 8_180 && fitting.length <= 8_192, `${fitting.length} characters`)
    t.equal(await judge(verifier, fitting), 'good')
    t.equal(await judge(verifier, goodJwt({ fill: 'x'.repeat(6_200) })), 'MSG_ERR_TOKEN_REFUSED it has more than 8192 characters')
  })
})

t.test('the claims of a token', async (t) => {
  t.test('must include exp, which must be a number', async (t) => {
    t.match(await judge(createVerifier(), jwt({ subscribe: ['*'] })), /^MSG_ERR_TOKEN_REFUSED it needs exp/)
    for (const exp of [null, 'soon']) t.match(await judge(createVerifier(), goodJwt({ exp })), /^MSG_ERR_TOKEN_REFUSED /)
  })

  t.test('have their time: exp is to come, nbf is past', async (t) => {
    t.equal(await judge(createVerifier(), goodJwt({ exp: seconds(-1) })), 'MSG_ERR_TOKEN_EXPIRED')
    t.equal(await judge(createVerifier(), goodJwt({ exp: seconds(5) })), 'good')
    t.equal(await judge(createVerifier(), goodJwt({ nbf: seconds(60) })), 'MSG_ERR_TOKEN_REFUSED nbf is in the future')
    t.equal(await judge(createVerifier(), goodJwt({ nbf: seconds(-1) })), 'good')
  })

  t.test('name an issuer and an audience that are expected, where they are configured', async (t) => {
    const verifier = createVerifier({ issuers: ['me', 'you'], audiences: ['push'] })
    t.equal(await judge(verifier, goodJwt({ iss: 'you', aud: 'push' })), 'good')
    t.equal(await judge(verifier, goodJwt({ iss: 'me', aud: ['other', 'push'] })), 'good')
    for (const claims of [{ iss: 'other', aud: 'push' }, { iss: 'mee', aud: 'push' }, { iss: 'me', aud: 'xpush' }, { iss: 'me', aud: 'other' }, { iss: 'me', aud: [] }]) t.equal(await judge(verifier, goodJwt(claims)), 'MSG_ERR_TOKEN_REFUSED iss or aud is not the one that is expected', JSON.stringify(claims))
    for (const claims of [{ iss: 'me' }, { aud: 'push' }, {}]) t.match(await judge(verifier, goodJwt(claims)), /needs exp, and iss and aud where they are configured/, JSON.stringify(claims))
    t.equal(await judge(createVerifier(), goodJwt({ iss: 'anybody', aud: 'anything' })), 'good')
  })

  t.test('are of the types that they must have', async (t) => {
    t.equal(await judge(createVerifier(), goodJwt({ nbf: 'today' })), 'MSG_ERR_TOKEN_REFUSED a claim has a value of another type than it must have')
    t.match(await judge(createVerifier(), goodJwt({ subscribe: 'room' })), /subscribe must be a list/)
  })

  t.test('do not last longer than tokens may', async (t) => {
    const verifier = createVerifier({ maxTtlMs: 3_600_000 })
    t.equal(await judge(verifier, goodJwt({ exp: seconds(3_590) })), 'good')
    t.match(await judge(verifier, goodJwt({ exp: seconds(3_700) })), /exp must be at most 3600 s from now/)
  })
})

t.test('a token whose key is in a key set', async (t) => {
  t.test('is checked with it, and the others with the keys that are known', async (t) => {
    const jwks = await startJwks(t, webKey(KEYS.RS256.publicKey, { kid: 'rsa' }), webKey(KEYS.EdDSA.publicKey, { kid: 'ed' }))
    const verifier = createVerifier({ keySet: new KeySet(jwks.url) })
    t.equal(await judge(verifier, goodJwt()), 'good')
    t.equal(jwks.requests, 0)
    for (const [alg, kid] of [['RS256', 'rsa'], ['EdDSA', 'ed'], ['RS256', 'rsa'], ['RS256', undefined]] as const) t.equal(await judge(verifier, goodJwt({}, { alg, header: { kid } })), 'good')
    t.equal(await judge(verifier, goodJwt({}, { alg: 'ES256', header: { kid: 'ec' } })), 'MSG_ERR_TOKEN_REFUSED no key of the key set is its own')
    t.equal(await judge(verifier, goodJwt({}, { alg: 'RS384', key: KEYS.RS256.privateKey, header: { kid: 'rsa' } })), NO_TOKEN, 'RSA is for RS256')
    t.equal(await judge(verifier, goodJwt({ exp: seconds(-1) }, { alg: 'RS256', header: { kid: 'rsa' } })), 'MSG_ERR_TOKEN_EXPIRED')
    t.equal(jwks.requests, 1)
  })

  t.test('is neither good nor bad while the set cannot be fetched', async (t) => {
    const jwks = await startJwks(t)
    jwks.status = 503
    t.equal(await judge(createVerifier({ keys: [], keySet: new KeySet(jwks.url) }), goodJwt({}, { alg: 'ES256' })), 'MSG_ERR_AUTHORIZATION_UNAVAILABLE the key set cannot be fetched')
  })
})
