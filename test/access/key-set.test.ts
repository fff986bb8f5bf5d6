import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { KeySet } from '../../src/access/key-set.js'
import { rejection, thrown } from '../codes.js'
import { freePort } from '../../scripts/free-port.mjs'
import { startJwks, webKey } from './jwks-server.js'
import { KEYS, pem } from '../tokens.js'

const COOL_DOWN_MS = 30_000

t.test('a key set', async (t) => {
  t.test('is fetched when a key is asked for, once for all that ask', async (t) => {
    const jwks = await startJwks(t, ...Object.entries(KEYS).map(([kid, { publicKey }]) => webKey(publicKey, { kid })))
    const keys = new KeySet(jwks.url)
    t.equal(jwks.requests, 0)
    const algorithms = Object.keys(KEYS) as (keyof typeof KEYS)[]
    const found = await Promise.all(algorithms.map(async (alg) => await keys.keyFor({ alg, kid: alg })))
    t.strictSame(found, algorithms.map((algorithm) => ({ algorithm, key: pem(KEYS[algorithm].publicKey) })))
    t.equal(await keys.keyFor({ alg: 'RS256', kid: 'RS256' }), found[0], 'the same one')
    t.equal(jwks.requests, 1)
  })

  t.test('is fetched anew for a key that is not among them, at most once in 30 seconds', async (t) => {
    const jwks = await startJwks(t, webKey(KEYS.ES256.publicKey, { kid: 'old' }))
    const keys = new KeySet(jwks.url)
    await keys.keyFor({ alg: 'ES256', kid: 'old' })
    const next = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    jwks.keys.push(webKey(next.publicKey, { kid: 'new' }))
    for (let round = 0; round < 3; round++) t.equal(await rejection(keys.keyFor({ alg: 'ES256', kid: `made-up-${round}` })), 'MSG_ERR_TOKEN_REFUSED')
    t.equal(jwks.requests, 1)
    const now = Date.now()
    t.intercept(Date, 'now', { value: () => now + COOL_DOWN_MS + 1_000 })
    t.strictSame(await keys.keyFor({ alg: 'ES256', kid: 'new' }), { algorithm: 'ES256', key: pem(next.publicKey) })
    t.equal(await rejection(keys.keyFor({ alg: 'ES256', kid: 'made-up' })), 'MSG_ERR_TOKEN_REFUSED')
    t.equal(jwks.requests, 2)
  })

  t.test('is fetched anew after 10 minutes, so that a key that was withdrawn ends', async (t) => {
    const jwks = await startJwks(t, webKey(KEYS.ES256.publicKey, { kid: 'key' }))
    const keys = new KeySet(jwks.url)
    await keys.keyFor({ alg: 'ES256', kid: 'key' })
    jwks.keys = []
    const now = Date.now()
    t.intercept(Date, 'now', { value: () => now + 601_000 })
    t.equal(await rejection(keys.keyFor({ alg: 'ES256', kid: 'key' })), 'MSG_ERR_TOKEN_REFUSED')
  })

  t.test('that cannot be reached leaves open whether a token is good', async (t) => {
    const keys = new KeySet(`http://127.0.0.1:${await freePort()}/`)
    await t.rejects(keys.keyFor({ alg: 'ES256' }), { code: 'MSG_ERR_AUTHORIZATION_UNAVAILABLE', statusCode: 503, message: /the key set cannot be fetched/ })
  })

  t.test('that is garbage, or does not end, leaves it open, too, and is asked again after a while', async (t) => {
    const jwks = await startJwks(t, webKey(KEYS.ES256.publicKey))
    const keys = new KeySet(jwks.url)
    let now = Date.now()
    // Each question finds the last failure half a minute ago.
    t.intercept(Date, 'now', { value: () => now += COOL_DOWN_MS })
    for (const body of ['', 'not JSON', '[]', '{"keys":7}', '{}', 'null', `{"keys":[${' '.repeat(2 ** 21)}]}`]) {
      jwks.body = body
      t.equal(await rejection(keys.keyFor({ alg: 'ES256' })), 'MSG_ERR_AUTHORIZATION_UNAVAILABLE', body)
    }
    jwks.body = ''
    for (jwks.status of [204, 404]) t.equal(await rejection(keys.keyFor({ alg: 'ES256' })), 'MSG_ERR_AUTHORIZATION_UNAVAILABLE', 'no body')
    jwks.body = undefined
    for (jwks.status of [404, 500, 302]) t.equal(await rejection(keys.keyFor({ alg: 'ES256' })), 'MSG_ERR_AUTHORIZATION_UNAVAILABLE')
    jwks.status = 200
    t.match(await keys.keyFor({ alg: 'ES256' }), { algorithm: 'ES256' })
  })

  t.test('that fails is asked once in a while, however many made-up keys come, and less and less often', async (t) => {
    const jwks = await startJwks(t)
    const keys = new KeySet(jwks.url)
    let now = Date.now()
    t.intercept(Date, 'now', { value: () => now })
    jwks.status = 500
    const ask = async (): Promise<number> => {
      for (let round = 0; round < 20; round++) t.equal(await rejection(keys.keyFor({ alg: 'ES256', kid: `made-up-${round}` })), 'MSG_ERR_AUTHORIZATION_UNAVAILABLE')
      return jwks.requests
    }
    t.equal(await ask(), 1)
    now += 1_100
    t.equal(await ask(), 2)
    now += 1_100
    t.equal(await ask(), 2)
    now += 1_100
    t.equal(await ask(), 3)
  })

  t.test('that fails keeps the keys that it has given good, however long, and says nothing about others', async (t) => {
    const jwks = await startJwks(t, webKey(KEYS.ES256.publicKey, { kid: 'key' }))
    const keys = new KeySet(jwks.url)
    await keys.keyFor({ alg: 'ES256', kid: 'key' })
    let now = Date.now()
    t.intercept(Date, 'now', { value: () => now })
    jwks.status = 500
    for (let round = 0; round < 3; round++) {
      now += 3_600_000
      t.match(await keys.keyFor({ alg: 'ES256', kid: 'key' }), { algorithm: 'ES256' })
    }
    t.equal(jwks.requests, 4)
    t.equal(await rejection(keys.keyFor({ alg: 'ES256', kid: 'other' })), 'MSG_ERR_AUTHORIZATION_UNAVAILABLE')
    t.equal(jwks.requests, 4)
    now += COOL_DOWN_MS
    jwks.status = 200
    t.equal(await rejection(keys.keyFor({ alg: 'ES256', kid: 'other' })), 'MSG_ERR_TOKEN_REFUSED')
  })

  t.test('has no key for an algorithm that is not used, and none of a kind that is not used', async (t) => {
    const jwks = await startJwks(t,
      webKey(generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey, { kid: 'short' }),
      webKey(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey, { kid: 'P-384' }),
      { kty: 'oct', k: 'c2VjcmV0', kid: 'secret' },
      { kty: 'RSA', kid: 'incomplete' }
    )
    const keys = new KeySet(jwks.url)
    for (const header of [{ alg: 'HS256', kid: 'secret' }, { alg: 'none' }, { alg: 'RS256', kid: 'short' }, { alg: 'ES384', kid: 'P-384' }, { alg: 'ES256', kid: 'P-384' }, { alg: 'toString' }]) {
      t.equal(await rejection(keys.keyFor(header)), 'MSG_ERR_TOKEN_REFUSED', JSON.stringify(header))
    }
  })

  t.test('with a key that is garbage leaves open whether a token of that key is good, and keeps the other keys good', async (t) => {
    const jwks = await startJwks(t, webKey(KEYS.ES256.publicKey, { kid: 'good' }), { kty: 'EC', crv: 'P-256', x: 'AQAB', y: 'AQAB', kid: 'garbage' })
    const keys = new KeySet(jwks.url)
    await t.rejects(keys.keyFor({ alg: 'ES256', kid: 'garbage' }), { code: 'MSG_ERR_AUTHORIZATION_UNAVAILABLE', message: /the key set cannot be used/ })
    t.match(await keys.keyFor({ alg: 'ES256', kid: 'good' }), { algorithm: 'ES256' })
  })

  t.test('in which several keys could be the one has none', async (t) => {
    const jwks = await startJwks(t, webKey(KEYS.ES256.publicKey), webKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey))
    await t.rejects(new KeySet(jwks.url).keyFor({ alg: 'ES256' }), { code: 'MSG_ERR_TOKEN_REFUSED', message: /no key of the key set is its own/ })
  })

  t.test('is refused at once where its address is none', async (t) => {
    t.equal(thrown(() => new KeySet('https://a b')), 'MSG_ERR_CONFIG_INVALID')
  })
})
