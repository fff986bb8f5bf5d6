import { readFileSync } from 'node:fs'
import t from 'tap'
import { limitIn, openFiles } from '../../src/cli/check/open-files.js'
import { NEEDED, settingsIn } from '../../src/cli/check/redis.js'
import { readConfig } from '../../src/config.js'
import { startRedis } from '../brokers/redis/redis-server.js'
import { run } from './run-command.js'

const BEARER_TOKEN = 'a-token-of-more-than-sixteen-characters'

t.test('check', async (t) => {
  t.test('finds nothing wrong with a token of its own and few connections', async (t) => {
    const { code, stdout, stderr } = await run(t, 'check', ['--strict'], { env: { BEARER_TOKEN, MAX_CONNECTIONS: '10', TOKEN_SECRET: 'a-secret-of-thirty-two-characters' } })
    t.match({ code, stderr }, { code: 0, stderr: '' })
    t.strictSame(stdout.trim().split('\n').map((line) => /^\w+ +[\w ]+/.exec(line)?.[0]), ['ok    configuration', 'ok    secrets', 'ok    open files', 'ok    redis'])
  })

  t.test('names what is invalid, unknown or can be guessed, and shows no secret', async (t) => {
    const cases: [NodeJS.ProcessEnv, number, RegExp][] = [
      [{ BEARER_TOKEN, PORT: 'http' }, 1, /^fail {2}configuration: PORT must be.*"http"\n$/],
      [{ BEARER_TOKEN, HISTORY_SIZ: '1' }, 0, /^warn {2}configuration: HISTORY_SIZ is unknown.*HISTORY_SIZE/m],
      [{}, 0, /^warn {2}secrets: a token is default-secret, which is public: set BEARER_TOKEN/m],
      [{ BEARER_TOKEN: `${BEARER_TOKEN},default-secret`, HOST: '0.0.0.0' }, 1, /^fail {2}secrets: a token is default-secret/m],
      [{ BEARER_TOKEN: 'default-secret', PORT: '/run/messenger.sock' }, 1, /listens on \/run\/messenger.sock.*fail {2}secrets/s],
      [{ BEARER_TOKEN: 'hush' }, 0, /^warn {2}secrets: a token of BEARER_TOKEN has fewer than 16 characters/m],
      [{ BEARER_TOKEN, TOKEN_SECRET: 'hush'.repeat(10) }, 0, /^warn {2}secrets: a secret of TOKEN_SECRET repeats/m],
      [{ BEARER_TOKEN, MAX_CONNECTIONS: '100000000' }, 0, /^(warn {2}open files: \d+ allowed, but 100001100 needed|ok {4}open files: any number)/m],
      [{ BEARER_TOKEN, REDIS_URL: 'http://user:hush@127.0.0.1' }, 1, /^fail {2}redis: REDIS_URL must begin with/m]
    ]
    for (const [env, expected, text] of cases) {
      const { code, stdout } = await run(t, 'check', [], { env })
      t.match({ code, stdout }, { code: expected, stdout: text })
      t.notMatch(stdout, /hush|a-token/)
    }
    t.equal((await run(t, 'check', ['--strict'], { env: { BEARER_TOKEN: 'hush' } })).code, 1)
    t.match(await run(t, 'check', ['redis'], { env: {} }), { code: 2, stderr: /takes no arguments/ })
    const broken = new Proxy({}, { ownKeys () { throw new Error('not foreseen') } })
    t.match(await run(t, 'check', [], { env: broken }), { code: 1, stderr: /Error: not foreseen\n +at / })
  })

  t.test('compares the limit of open files with the connections', async (t) => {
    const config = readConfig({ BEARER_TOKEN, MAX_CONNECTIONS: '1000' })
    t.match(openFiles(config, 2_100), { level: 'ok' })
    t.match(openFiles(config, 2_099), { level: 'warn', text: /MAX_CONNECTIONS to 999/ })
    t.match(openFiles(config, 256), { level: 'warn', text: /MAX_CONNECTIONS to 1$/ })
    t.match(openFiles(config, Infinity), { level: 'ok', text: /any number/ })
    for (const [report, limit] of [[{ userLimits: { open_files: { hard: 7 } } }, 7], [{ userLimits: { open_files: { hard: 'unlimited' } } }, Infinity], [{}, Infinity]] as const) {
      t.equal(limitIn({ getReport: () => report }), limit)
    }
  })
})

t.test('check of Redis', async (t) => {
  const server = await startRedis(t, { tcp: true, appendOnly: true })
  const admin = server.connect(t)
  const url = (user: string, password: string): string => server.url.replace('//', `//${user}:${password}@`)
  const check = async (REDIS_URL: string, env: NodeJS.ProcessEnv = {}): Promise<{ code: number, stdout: string }> => {
    const { code, stdout } = await run(t, 'check', [], { env: { BEARER_TOKEN, MAX_CONNECTIONS: '10', REDIS_URL, ...env } })
    t.notMatch(stdout, /hush/)
    return { code, stdout: stdout.split('\n').filter((line) => line.includes('redis')).join('\n') }
  }
  const [, documented = ''] = /`ACL SETUSER messenger on >password (.*?)`/.exec(readFileSync('docs/instances.md', 'utf8')) ?? []

  t.test('is content with the documented rights, and leaves nothing behind', async (t) => {
    await admin.call('ACL', 'SETUSER', 'messenger', 'on', '>hush', ...documented.split(' '))
    t.match(await check(url('messenger', 'hush')), { code: 0, stdout: 'ok    redis: can be reached, with all rights that are needed' })
    t.strictSame(await admin.keys('*'), [])
    t.strictSame([...NEEDED].sort(), documented.split(' ').filter((right) => /^\+/.test(right)).map((right) => right.slice(1)).sort())
  })

  t.test('names each right that is missing', async (t) => {
    for (const command of NEEDED.filter((name) => !['hello', 'info', 'ping'].includes(name))) {
      await admin.call('ACL', 'SETUSER', 'messenger', `-${command}`)
      t.match(await check(url('messenger', 'hush')), { code: 1, stdout: `fail  redis: rights are missing: +${command} (docs` }, command)
      await admin.call('ACL', 'SETUSER', 'messenger', `+${command}`)
    }
    await admin.call('ACL', 'SETUSER', 'messenger', 'resetchannels')
    t.match(await check(url('messenger', 'hush')), { code: 1, stdout: 'missing: &<prefix>* (' })
    t.match(await check(url('messenger', 'hush'), { REDIS_KEY_PREFIX: 'other:' }), { code: 1, stdout: 'missing: ~<prefix>* &<prefix>* (' })
    await admin.call('ACL', 'SETUSER', 'messenger', '-info')
    t.match(await check(url('messenger', 'hush')), { code: 1 })
  })

  t.test('says why it cannot be reached', async (t) => {
    t.match(await check(url('messenger', 'hush-hush')), { code: 1, stdout: /fail {2}redis: cannot be reached.*WRONGPASS/ })
    t.match(await check('redis://127.0.0.1:9'), { code: 1, stdout: /ECONNREFUSED/ })
  })

  t.test('refuses a version without sharded notifications', (t) => {
    t.match(settingsIn('redis_version:6.2.14\r\naof_enabled:1\r\n'), [{ level: 'fail', text: /version 6.2.14 is too old/ }])
    t.strictSame(settingsIn('redis_version:7.2.4\r\nvalkey_version:8.0.1\r\naof_enabled:1\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n'), [])
    t.strictSame(settingsIn(''), [])
    t.end()
  })

  t.test('warns of settings that lose messages', async (t) => {
    await admin.call('CONFIG', 'SET', 'maxmemory', '100mb')
    await admin.call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    await admin.call('CONFIG', 'SET', 'appendonly', 'no')
    t.match(await check(server.url), { code: 0, stdout: /warn {2}redis: maxmemory-policy is allkeys-lru.*warn {2}redis: appendonly is off/s })
    await admin.call('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    await admin.call('CONFIG', 'SET', 'maxmemory', '1mb')
    t.match(await check(server.url), { code: 1, stdout: /fail {2}redis: a command that is needed fails: \w+: OOM/ })
  })
})
