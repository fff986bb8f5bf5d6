import t from 'tap'
import { MessengerOptionsSchema, resolveOptions } from '../../src/options/schema.js'
import { thrown } from '../codes.js'

t.test('resolveOptions', async (t) => {
  t.test('fills in the defaults of the contract', async (t) => {
    t.match(resolveOptions({}), {
      prefix: '',
      token: [],
      page: false,
      historySize: 100,
      historyTtlMs: 300_000,
      historyMaxBytes: 64 * 1024 * 1024,
      maxMessageBytes: 64 * 1024,
      maxBufferedBytes: 1024 * 1024,
      pingIntervalMs: 25_000,
      drainMs: 10_000
    })
  })

  t.test('leaves what it is given as it is', async (t) => {
    const given = { token: 'secret', historySize: 0 }
    const resolved = resolveOptions(given)
    t.match(resolved, given)
    t.strictSame(given, { token: 'secret', historySize: 0 })
  })

  t.test('takes every number from its minimum to its maximum, and none beside them', async (t) => {
    const properties = MessengerOptionsSchema.properties as Record<string, { minimum?: number, maximum?: number }>
    for (const [name, { minimum, maximum }] of Object.entries(properties)) {
      if (minimum === undefined || maximum === undefined) continue
      for (const value of [minimum, maximum]) t.match(resolveOptions({ [name]: value }), { [name]: value })
      for (const value of [minimum - 1, maximum + 1, minimum + 0.5, NaN, Infinity, String(minimum), null, true, {}, []]) {
        t.equal(thrown(() => resolveOptions({ [name]: value })), 'MSG_ERR_CONFIG_INVALID', `${name} ${JSON.stringify(value)}`)
      }
    }
  })

  t.test('names the rule for a value that has no JSON', async (t) => {
    for (const value of [() => 1, Symbol('x')]) t.throws(() => resolveOptions({ page: value }), { code: 'MSG_ERR_CONFIG_INVALID', message: /page must be true or false/ })
  })

  t.test('takes tokens of printable ASCII without space and comma', async (t) => {
    for (const token of ['a', 'A-z0~9+/=._', '!"#$%&()*', 'x'.repeat(1_024), ['a', 'b'], []]) t.strictSame(resolveOptions({ token }).token, token)
    for (const token of ['', ' ', 'a b', 'a,b', 'é', 'a\n', '\u007f', 'x'.repeat(1_025), [''], ['a', 'b '], ['a', null], null, true, 7]) {
      t.equal(thrown(() => resolveOptions({ token })), 'MSG_ERR_CONFIG_INVALID', JSON.stringify(token))
    }
  })

  t.test('does not take an object for a token', async (t) => {
    for (const token of [{}, { secret: true }]) t.equal(thrown(() => resolveOptions({ token })), 'MSG_ERR_CONFIG_INVALID', JSON.stringify(token))
  })

  t.test('takes secrets of 32 characters at least', async (t) => {
    const secret = 's'.repeat(32)
    for (const tokenSecret of [secret, [secret, `${secret}2`]]) t.strictSame(resolveOptions({ tokenSecret }).tokenSecret, tokenSecret)
    for (const tokenSecret of ['s'.repeat(31), [], [secret, 'short'], `${secret} x`, 'x'.repeat(1_025), null, {}]) {
      t.throws(() => resolveOptions({ tokenSecret }), { code: 'MSG_ERR_CONFIG_INVALID', message: /^Option tokenSecret must be a secret, or a list of secrets[^"]*$/ })
    }
  })

  t.test('takes a key set from https, or from this machine', async (t) => {
    for (const tokenJwksUrl of ['https://example.com/keys', 'http://localhost:3000/', 'http://127.0.0.1/keys', 'http://[::1]:3000/']) t.match(resolveOptions({ tokenJwksUrl }), { tokenJwksUrl })
    for (const tokenJwksUrl of ['http://example.com/', 'http://localhost.example.com/', 'https:///', 'ftp://example.com', 'keys.json', '', 7]) t.equal(thrown(() => resolveOptions({ tokenJwksUrl })), 'MSG_ERR_CONFIG_INVALID', String(tokenJwksUrl))
  })

  t.test('takes a function for authorize, and nothing else', async (t) => {
    const authorize = (): boolean => true
    t.equal(resolveOptions({ authorize }).authorize, authorize)
    for (const other of ['yes', true, {}, null]) t.throws(() => resolveOptions({ authorize: other }), { code: 'MSG_ERR_CONFIG_INVALID', message: /^Option authorize must be a function/ })
  })

  t.test('takes lists for issuers, audiences, channels and origins, and no object for one', async (t) => {
    const given = { tokenIssuer: ['a'], tokenAudience: ['b'], publicChannels: ['c*'], allowedOrigins: ['*'] }
    t.match(resolveOptions(given), given)
    for (const name of Object.keys(given)) {
      for (const value of ['a', {}, [''], [7], null]) t.equal(thrown(() => resolveOptions({ [name]: value })), 'MSG_ERR_CONFIG_INVALID', `${name} ${JSON.stringify(value)}`)
    }
  })

  t.test('takes a prefix of whole segments', async (t) => {
    for (const prefix of ['', '/rt', '/a/b', '/:tenant']) t.equal(resolveOptions({ prefix }).prefix, prefix)
    for (const prefix of ['rt', '/', '/rt/', '//', 'a/b', 7, null]) t.equal(thrown(() => resolveOptions({ prefix })), 'MSG_ERR_CONFIG_INVALID', String(prefix))
  })

  t.test('names what it does not know and what it knows', async (t) => {
    for (const name of ['tokens', 'Token', 'history_size', '__proto__x', 'a/b', '']) {
      t.throws(() => resolveOptions({ [name]: 1 }), { code: 'MSG_ERR_CONFIG_INVALID', message: /is unknown: known are prefix, page, historySize, / }, name)
    }
  })
})
