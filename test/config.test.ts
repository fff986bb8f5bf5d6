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

  t.test('may be several', async (t) => {
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
