import { join } from 'node:path'
import t from 'tap'
import { readConfig } from '../src/config.js'

/** The message of the error for an environment. */
function complaint (env: NodeJS.ProcessEnv): string {
  try {
    readConfig(env)
    return 'no complaint'
  } catch (error) {
    const { code, message } = error as Error & { code: string }
    return code === 'MSG_ERR_CONFIG_INVALID' ? message : `${code}: ${message}`
  }
}

t.test('readConfig', async (t) => {
  t.test('has the defaults of the contract', async (t) => {
    const { port, logLevel, messenger } = readConfig({})
    t.equal(port, 3_000)
    t.equal(logLevel, 'info')
    t.match(messenger, {
      prefix: '', page: true, historySize: 100, historyTtlMs: 300_000, historyMaxBytes: 67_108_864, maxMessageBytes: 65_536, maxBufferedBytes: 1_048_576, pingIntervalMs: 25_000, drainMs: 10_000
    })
  })

  t.test('reads every variable, in its unit', async (t) => {
    const env = {
      PORT: '8080', HOST: '::', BEARER_TOKEN: 'secret', HISTORY_SIZE: '0', HISTORY_TTL: '60', HISTORY_MAX_BYTES: '1000000', MAX_MESSAGE_BYTES: '1024', MAX_BUFFERED_BYTES: '2048', PING_INTERVAL: '0.5', DRAIN_SECONDS: '2.5', LOG_LEVEL: 'warn'
    }
    t.match(readConfig(env), {
      port: 8_080,
      host: '::',
      logLevel: 'warn',
      warnings: [],
      messenger: { token: ['secret'], historySize: 0, historyTtlMs: 60_000, historyMaxBytes: 1_000_000, maxMessageBytes: 1_024, maxBufferedBytes: 2_048, pingIntervalMs: 500, drainMs: 2_500 }
    })
  })

  t.test('reads every variable of access and limits, in its unit', async (t) => {
    const secret = 's'.repeat(32)
    const env = {
      TOKEN_SECRET: `${secret}, ${secret}2`, TOKEN_PUBLIC_KEY: 'PEM', TOKEN_JWKS_URL: 'https://example.com/keys', TOKEN_ISSUER: 'me, you', TOKEN_AUDIENCE: 'push', TOKEN_MAX_TTL: '3600.5', PUBLIC_CHANNELS: 'news,open:*', ALLOWED_ORIGINS: 'https://example.com, https://*.example.org', MAX_RECEIVED_BYTES: '2048', MAX_CONNECTIONS: '1', MAX_CONNECTIONS_PER_ADDRESS: '2', MAX_CHANNELS: '3', MAX_SUBSCRIBES_PER_SECOND: '4', MAX_PUBLISHES_PER_SECOND: '5', MAX_REFUSED_TOKENS_PER_MINUTE: '6', MAX_URL_BYTES: '256', UPGRADE_TIMEOUT: '0.5', MAX_HEADER_BYTES: '1024', REQUEST_TIMEOUT: '7', TRUST_PROXY: 'true'
    }
    t.match(readConfig(env), {
      maxHeaderBytes: 1_024,
      requestTimeoutMs: 7_000,
      trustProxy: true,
      messenger: {
        tokenSecret: [secret, `${secret}2`], tokenPublicKey: 'PEM', tokenJwksUrl: 'https://example.com/keys', tokenIssuer: ['me', 'you'], tokenAudience: ['push'], tokenMaxTtlMs: 3_600_500, publicChannels: ['news', 'open:*'], allowedOrigins: ['https://example.com', 'https://*.example.org'], maxReceivedBytes: 2_048, maxConnections: 1, maxConnectionsPerAddress: 2, maxChannels: 3, maxSubscribesPerSecond: 4, maxPublishesPerSecond: 5, maxRefusedTokensPerMinute: 6, maxUrlBytes: 256, upgradeTimeoutMs: 500
      }
    })
    t.match(readConfig({}), {
      maxHeaderBytes: 16_384,
      requestTimeoutMs: 30_000,
      trustProxy: false,
      messenger: {
        tokenIssuer: [], tokenAudience: [], tokenMaxTtlMs: 2_592_000_000, publicChannels: [], maxReceivedBytes: 65_536,
        maxConnections: 20_000, maxConnectionsPerAddress: 1_000, maxChannels: 20_000,
        maxSubscribesPerSecond: 500, maxPublishesPerSecond: 10_000, maxRefusedTokensPerMinute: 60,
        maxUrlBytes: 8_192, upgradeTimeoutMs: 10_000
      }
    })
  })

  t.test('takes true, false, or a list of addresses and networks for TRUST_PROXY', async (t) => {
    for (const [text, value] of [['', false], ['false', false], ['true', true], ['loopback', ['loopback']], ['10.0.0.0/8, ::1, fd00::/8,uniquelocal,linklocal, 1.2.3.4', ['10.0.0.0/8', '::1', 'fd00::/8', 'uniquelocal', 'linklocal', '1.2.3.4']]] as const) {
      t.strictSame(readConfig({ TRUST_PROXY: text }).trustProxy, value, text)
    }
    for (const text of ['yes', '1', 'TRUE', 'example.com', '10.0.0.0/33', '::/129', '10.0.0.0/8/8', '10.0.0.0/', '10.0.0.0/x', '10.0.0', 'loopback,', ',', '10.0.0.1 10.0.0.2']) {
      t.equal(complaint({ TRUST_PROXY: text }), `TRUST_PROXY must be true, false or a list of addresses, networks (10.0.0.0/8), loopback, linklocal and uniquelocal, but is ${JSON.stringify(text)}`)
    }
  })

  t.test('refuses lists in which one is invalid, with the variable\'s name', async (t) => {
    for (const [env, message] of [
      [{ PUBLIC_CHANNELS: 'a b' }, 'PUBLIC_CHANNELS must be a list of patterns'], [{ PUBLIC_CHANNELS: 'a,,b' }, 'PUBLIC_CHANNELS must be'], [{ ALLOWED_ORIGINS: 'example.com' }, 'ALLOWED_ORIGINS must be a list of origins'],
      [{ TOKEN_ISSUER: 'a,' }, 'TOKEN_ISSUER must be a list of texts'], [{ TOKEN_AUDIENCE: ',' }, 'TOKEN_AUDIENCE must be'], [{ TOKEN_JWKS_URL: 'http://example.com' }, 'TOKEN_JWKS_URL must be an https:// address'],
      [{ TOKEN_MAX_TTL: '0.5' }, 'TOKEN_MAX_TTL must be a number from 1 to'], [{ MAX_HEADER_BYTES: '1023' }, 'MAX_HEADER_BYTES must be an integer from 1024 to 1048576'], [{ REQUEST_TIMEOUT: '0' }, 'REQUEST_TIMEOUT must be an integer from 1 to 3600'],
      [{ UPGRADE_TIMEOUT: '0' }, 'UPGRADE_TIMEOUT must be a number from 0.1 to 600'], [{ MAX_CONNECTIONS: '0' }, 'MAX_CONNECTIONS must be an integer from 1 to']
    ] as const) t.match(complaint(env), message)
  })

  t.test('reads secrets of subscribers\' tokens from files, too, and tells none of them', async (t) => {
    const secret = 's'.repeat(32)
    const directory = t.testdir({ secret: `${secret}\n`, key: 'PEM\n' })
    t.match(readConfig({ TOKEN_SECRET_FILE: join(directory, 'secret'), TOKEN_PUBLIC_KEY_FILE: join(directory, 'key') }).messenger, { tokenSecret: [secret], tokenPublicKey: 'PEM' })
    for (const text of ['too-short', `${secret},too-short`, `${secret} too-short`, ',']) {
      const message = complaint({ TOKEN_SECRET: text })
      t.equal(message, 'TOKEN_SECRET must be a secret, or a list of secrets, of 32 to 1024 printable ASCII characters without space and comma')
    }
    for (const name of ['TOKEN_SECRET_FILE', 'TOKEN_PUBLIC_KEY_FILE']) t.match(complaint({ [name]: join(directory, 'missing') }), new RegExp(`^${name} must name a file that can be read`))
  })

  t.test('reads the rules of channels from a file of JSON, and says in one line what is wrong with it', async (t) => {
    const directory = t.testdir({
      good: '{"chat:*":{"presence":true},"*":{}}', empty: '', broken: '{"chat:*":\n{presence}}', list: '[]', pattern: '{"a b":{}}',
      field: '{"chat:*":{"presense":true}}', value: '{"chat:*":{"presence":"yes"}}', rule: '{"*":true}', null: 'null'
    })
    t.strictSame(readConfig({ CHANNELS_FILE: join(directory, 'good') }).messenger.channels, { 'chat:*': { presence: true }, '*': {} })
    t.strictSame(readConfig({ CHANNELS_FILE: '' }).messenger.channels, {})
    for (const [name, expected] of [
      ['missing', 'must name a file that can be read, but "'], ['empty', 'must name a file of valid JSON: "'], ['broken', 'must name a file of valid JSON: "'],
      ['list', 'must be an object of rules by pattern'], ['null', 'must be an object of rules by pattern'],
      ['pattern', ': "a b" is no pattern'], ['field', ': "chat:*" has an unknown field "presense": known are presence'],
      ['value', ': "chat:*" must have as presence true or false, but has "yes"'], ['rule', ': "*" must be an object, but is true']
    ] as const) {
      const message = complaint({ CHANNELS_FILE: join(directory, name) })
      t.ok([`CHANNELS_FILE ${expected}`, `CHANNELS_FILE${expected}`].some((text) => message.startsWith(text)), message)
      t.notMatch(message, /\n/, name)
    }
    t.match(complaint({ CHANNELS_FILE: 'no/such.json' }), '"no/such.json"')
  })

  t.test('takes fractions of seconds to the millisecond', async (t) => {
    for (const [text, ms] of [['16.1', 16_100], ['1.005', 1_005], ['0.57', 570], ['4.35', 4_350], ['0', 0]] as const) {
      t.equal(readConfig({ DRAIN_SECONDS: text }).messenger.drainMs, ms, text)
    }
  })

  t.test('takes an empty variable for one that is not set', async (t) => {
    const names = ['PORT', 'HOST', 'BEARER_TOKEN', 'BEARER_TOKEN_FILE', 'HISTORY_SIZE', 'HISTORY_TTL', 'HISTORY_MAX_BYTES', 'MAX_MESSAGE_BYTES', 'MAX_BUFFERED_BYTES', 'PING_INTERVAL', 'DRAIN_SECONDS', 'LOG_LEVEL', 'REDIS_URL']
    t.strictSame(readConfig(Object.fromEntries(names.map((name) => [name, '']))), readConfig({}))
  })

  t.test('refuses an invalid value with the name of its variable, its rule and the value, on one line', async (t) => {
    const invalid: [name: string, rule: string, values: string[]][] = [
      ['PORT', 'an integer from 0 to 65535', ['-1', '65536', '3000.5', 'http', '3000x', '0x10', '1e3', ' ', 'NaN', '3000\n3001']],
      ['LOG_LEVEL', 'one of fatal, error, warn, info, debug, trace, silent', ['verbose', 'INFO', ' info', 'toString']],
      ['HISTORY_SIZE', 'an integer from 0 to 1000000', ['-1', '1.5', 'many', '1000001', '1e3', '0x10', ' 1', 'Infinity', '١']],
      ['HISTORY_TTL', 'a number from 0.001 to 2592000', ['0', '-1', '5m', '2592001', '0.0001', 'NaN']],
      ['HISTORY_MAX_BYTES', 'an integer from 0 to 1099511627776', ['-1', '64MB', '1.5', '1099511627777']],
      ['MAX_MESSAGE_BYTES', 'an integer from 1 to 134217728', ['0', '64k', '-1', '134217729']],
      ['MAX_BUFFERED_BYTES', 'an integer from 1 to 1099511627776', ['0', '1 MiB', '-1', 'true']],
      ['PING_INTERVAL', 'a number from 0.1 to 86400', ['0', '0.05', '25s', '86401', '.5', '1.', '-25']],
      ['DRAIN_SECONDS', 'a number from 0 to 600', ['-1', '601', 'ten', '1e1', '0,5']]
    ]
    for (const [name, rule, values] of invalid) {
      for (const value of values) t.equal(complaint({ [name]: value }), `${name} must be ${rule}, but is ${JSON.stringify(value)}`)
    }
  })

  t.test('refuses tokens that break the rule, without telling them', async (t) => {
    for (const secret of ['top secret', 'top,,secret', ',', ' ', 'töpsecret', 'secret\u0000', 'secret,'.repeat(3), 's'.repeat(1_025)]) {
      const message = complaint({ BEARER_TOKEN: secret })
      t.match(message, /^BEARER_TOKEN must be a token, or a list of tokens, of 1 to 1024 printable ASCII characters without space and comma$/)
      t.notMatch(message, /secret|top|sss/)
    }
  })
})

t.test('the token', async (t) => {
  t.test('is default-secret without BEARER_TOKEN, on loopback only and with a warning', async (t) => {
    const { host, messenger, warnings } = readConfig({})
    t.equal(host, '127.0.0.1')
    t.strictSame(messenger.token, ['default-secret'])
    t.match(warnings, [/^BEARER_TOKEN is not set: .*default-secret/])
    for (const loopback of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) t.match(readConfig({ HOST: loopback }), { host: loopback, warnings: { length: 1 } })
  })

  t.test('has to be set for any other address', async (t) => {
    for (const host of ['0.0.0.0', '::', '192.168.0.1', 'example.com', '128.0.0.1', '::ffff:127.0.0.1', 'localhost.example.com', '127.example.com', '127.0.0.1.example.com', '127.0.0']) {
      t.match(complaint({ HOST: host }), /^BEARER_TOKEN must be set to listen on HOST ".*": .*loopback/, host)
    }
  })

  t.test('opens the service to every address', async (t) => {
    t.match(readConfig({ BEARER_TOKEN: 'secret' }), { host: '0.0.0.0', warnings: [], messenger: { token: ['secret'] } })
    t.match(readConfig({ BEARER_TOKEN: 'secret', HOST: '10.0.0.1' }), { host: '10.0.0.1' })
  })

  t.test('may be a list of several', async (t) => {
    t.strictSame(readConfig({ BEARER_TOKEN: 'old, new ,third' }).messenger.token, ['old', 'new', 'third'])
  })

  t.test('may stand in a file', async (t) => {
    const directory = t.testdir({ token: ' secret-1,secret-2\n', empty: '\n', invalid: 'top secret' })
    t.match(readConfig({ BEARER_TOKEN_FILE: join(directory, 'token') }), { host: '0.0.0.0', messenger: { token: ['secret-1', 'secret-2'] } })
    t.strictSame(readConfig({ BEARER_TOKEN: 'env', BEARER_TOKEN_FILE: join(directory, 'token') }).messenger.token, ['env'])
    for (const name of ['empty', 'invalid']) {
      const message = complaint({ BEARER_TOKEN_FILE: join(directory, name) })
      t.match(message, /^BEARER_TOKEN.* must be a token/)
      t.notMatch(message, 'secret')
    }
  })

  t.test('is refused when its file cannot be read, with the name of the file', async (t) => {
    const directory = t.testdir({ folder: {} })
    for (const [name, code] of [['missing', 'ENOENT'], ['folder', 'EISDIR']] as const) {
      const file = join(directory, name)
      t.equal(complaint({ BEARER_TOKEN_FILE: file }), `BEARER_TOKEN_FILE must name a file that can be read, but ${JSON.stringify(file)} cannot (${code})`)
    }
  })

  t.test('is not told when it stands where its file should be named', async (t) => {
    t.equal(complaint({ BEARER_TOKEN_FILE: 'top-secret' }), 'BEARER_TOKEN_FILE must name a file that can be read, but the given path cannot (ENOENT)')
  })
})

t.test('Redis', async (t) => {
  t.test('is named by its address, which may stand in a file, and a prefix for its keys', (t) => {
    const directory = t.testdir({ url: 'rediss://user:password@host\n' })
    t.notOk('redis' in readConfig({}).messenger)
    t.match(readConfig({ REDIS_URL: 'redis://host', REDIS_KEY_PREFIX: 'app:' }).messenger, { redis: 'redis://host', redisKeyPrefix: 'app:' })
    t.match(readConfig({ REDIS_URL_FILE: join(directory, 'url') }).messenger, { redis: 'rediss://user:password@host', redisKeyPrefix: 'messenger:' })
    t.match(complaint({ REDIS_KEY_PREFIX: 'a {b}' }), /^REDIS_KEY_PREFIX must be a text without braces and white space, but is "a \{b\}"$/)
    t.end()
  })
})
