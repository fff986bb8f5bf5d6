import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Redis } from 'ioredis'
import { connect, type RedisClient } from '../../../../src/brokers/redis/connection/connection.js'
import { backoff, TIMINGS } from '../../../../src/brokers/redis/connection/timings.js'
import { parseUrl } from '../../../../src/brokers/redis/connection/url.js'
import { rejection, thrown } from '../../../codes.js'
import { eventually } from '../../../eventually.js'
import { startProxy } from '../proxy.js'
import { type MemberNode, startMemberNode } from '../member-node.js'
import { type NodeOptions, startNode } from '../redis-node.js'
import { freePort } from '../../../../scripts/free-port.mjs'
import { createDirectory } from '../../../temporary.js'
import { RedisServer, startRedis } from '../redis-server.js'

t.test('parseUrl', async (t) => {
  t.test('takes one server, over TCP, TLS or a unix socket, as it stands', async (t) => {
    for (const [text, url, tls] of [
      ['redis://127.0.0.1:6379', 'redis://127.0.0.1:6379', false],
      ['redis://user:p%40ss@host/2', 'redis://user:p%40ss@host/2', false],
      ['rediss://host:6380', 'rediss://host:6380', true],
      ['redis://[::1]:6379', 'redis://[::1]:6379', false],
      ['unix:///run/redis.sock', '/run/redis.sock', false],
      ['unix:///run/redis.sock?password=x&db=1', '/run/redis.sock?password=x&db=1', false]
    ] as const) t.match(parseUrl(text), { kind: 'server', url, tls })
  })

  t.test('takes Sentinels and the name of the master', async (t) => {
    t.strictSame(parseUrl('redis+sentinel://a:1,b,[::1]:3/main'), {
      kind: 'sentinel', url: '', hosts: [{ host: 'a', port: 1 }, { host: 'b', port: 26_379 }, { host: '::1', port: 3 }], name: 'main', credentials: {}, tls: false
    })
    t.match(parseUrl('rediss+sentinel://a'), { kind: 'sentinel', name: 'mymaster', tls: true })
  })

  t.test('takes nodes of a cluster and credentials, also odd ones', async (t) => {
    t.match(parseUrl('redis+cluster://user:p%40s:s%2F@a:1,b'), { kind: 'cluster', hosts: [{ host: 'a', port: 1 }, { host: 'b', port: 6_379 }], credentials: { username: 'user', password: 'p@s:s/' } })
    t.strictSame(parseUrl('redis+cluster://:secret@a').credentials, { password: 'secret' })
    t.strictSame(parseUrl('rediss+cluster://user@a').credentials, { username: 'user' })
  })

  t.test('throws MSG_ERR_CONFIG_INVALID for any other, and does not tell it', async (t) => {
    for (const text of ['', 'redis', 'redis://', 'http://secret@host', 'localhost:6379', 'redis+other://secret@a', 'unix+cluster://secret@a', 'redis+sentinel:///main', 'redis+cluster://a,,b', 'redis+cluster://a:b', 'redis+cluster://a:123456', 'redis+cluster://u:%zz@secret', 'redis://secret@host:99999', 'redis://secret@ho st']) {
      t.equal(thrown(() => parseUrl(text)), 'MSG_ERR_CONFIG_INVALID', text)
      try { parseUrl(text) } catch (error) { t.notMatch(String(error), /secret/) }
    }
  })
})

t.test('backoff', async (t) => {
  t.test('grows, has full jitter and a limit', async (t) => {
    const draw = (attempt: number): number[] => Array.from({ length: 500 }, () => backoff(attempt, 1_000))
    t.ok(Math.max(...draw(1)) <= 50)
    t.ok(Math.min(...draw(20)) < 200)
    t.ok(Math.max(...draw(20)) > 800)
    t.ok(draw(2_000).every((delay) => delay >= 1 && delay <= 1_000))
  })
})

t.test('connect', async (t) => {
  const use = (t: Test, target: string | RedisClient): ReturnType<typeof connect> => {
    const client = connect(target, TIMINGS)
    t.teardown(() => { client.disconnect() })
    return client
  }

  t.test('throws MSG_ERR_CONFIG_INVALID for what is neither a URL nor a client', async (t) => {
    for (const target of [{}, null, 7]) t.equal(thrown(() => connect(target as unknown as string, TIMINGS)), 'MSG_ERR_CONFIG_INVALID')
  })

  t.test('speaks TLS from the first byte to whatever a rediss URL names', async (t) => {
    for (const scheme of ['rediss', 'rediss+sentinel', 'rediss+cluster']) {
      const server: Server = createServer().listen(0, '127.0.0.1')
      t.teardown(() => server.close())
      await once(server, 'listening')
      const connection = once(server, 'connection')
      const client = use(t, `${scheme}://user:secret@127.0.0.1:${(server.address() as AddressInfo).port}`)
      const [socket] = await connection as [Socket]
      const [bytes] = await once(socket, 'data') as [Buffer]
      t.equal(bytes[0], 0x16, `${scheme}: a TLS handshake`)
      t.notMatch(bytes.toString('latin1'), /secret/)
      socket.destroy()
      client.disconnect()
    }
    const { options } = use(t, 'rediss+sentinel://127.0.0.1:1/main') as Redis
    t.match(options, { enableTLSForSentinelMode: true, tls: {}, sentinelTLS: {} })
  })

  t.test('publishes and listens over TLS to a server whose certificate is trusted', async (t) => {
    const directory = createDirectory(t)
    const port = await freePort()
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'key.pem', '-out', 'cert.pem', '-days', '1', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'], { cwd: directory, stdio: 'ignore' })
    const server = new RedisServer(directory, 0, { args: ['--port', '0', '--tls-port', String(port), '--tls-cert-file', join(directory, 'cert.pem'), '--tls-key-file', join(directory, 'key.pem'), '--tls-ca-cert-file', join(directory, 'cert.pem'), '--tls-auth-clients', 'no', '--requirepass', 'p@ss'] })
    t.teardown(() => server.kill())
    await server.start()
    const program = `
      import { RedisBroker } from './src/brokers/redis/redis.ts'
      let delivered
      const delivery = new Promise((resolve) => { delivered = resolve })
      const broker = new RedisBroker({ deliver (channel, { message }) { delivered(message) }, moved () {}, count: () => 1, occupied: () => ['room'] }, { redis: 'rediss://:p%40ss@localhost:${port}', keyPrefix: 'm:', size: 1, ttlMs: 60_000 })
      await broker.started
      await broker.listen('room')
      await broker.publish('room', 'over TLS')
      process.stdout.write(await delivery)
      await broker.close()`
    const child = spawn(process.execPath, [...process.execArgv, '--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_EXTRA_CA_CERTS: join(directory, 'cert.pem') } })
    t.teardown(() => { child.kill() })
    child.stdout.setEncoding('utf8')
    t.strictSame(await once(child.stdout, 'data'), ['over TLS'])
    t.strictSame(await once(child, 'exit'), [0, null])
  })
})

t.test('RedisBroker', async (t) => {
  t.test('logs in with user and password, and selects a database', async (t) => {
    const server = await startRedis(t, { tcp: true })
    const redis = server.connect(t)
    await redis.call('ACL', 'SETUSER', 'messenger', 'on', '>p@s:s', '~m:*', '&m:*', '+@all')
    await redis.call('ACL', 'SETUSER', 'default', 'resetpass', '>other')
    const node = await startNode(t, { redis: `redis://messenger:p%40s%3As@127.0.0.1:${server.port}/3` })
    await node.join('room')
    await node.publish('room', 1)
    await node.handed('room', 1)
    t.match(await redis.info('keyspace'), /^db3:keys=3/m)
  })

  t.test('gets along with the rights that the documentation tells to give, and uses every one of them', async (t) => {
    const server = await startRedis(t, { tcp: true, args: ['--repl-diskless-sync-delay', '0'] })
    const redis = server.connect(t)
    // Whether every replica has the registration of an instance is asked only where there are replicas.
    await startRedis(t, { tcp: true, args: ['--replicaof', '127.0.0.1', String(server.port)] })
    await eventually(async () => (await redis.info('replication')).includes('state=online'), { message: 'a replica' })
    const [name, ...rules] = DOCUMENTED_RIGHTS
    await redis.call('ACL', 'SETUSER', name ?? '', ...rules)
    const connect = async (timings: NodeOptions['timings']): Promise<MemberNode> =>
      await startMemberNode(t, { redis: `redis://messenger:password@127.0.0.1:${server.port}`, keyPrefix: 'messenger:', ttlMs: 1_000, timings: { auditMs: 50, ...timings } })
    // Without a check the first one confirms the registration of the other only when it is asked to, and the replicas are asked as well.
    const [a, b] = [await connect({ checkMs: 60_000 }), await connect({})]
    await b.join('room')
    await a.broker.publish('room', '1', { idempotencyKey: 'key' })
    t.match(await b.broker.publish('room', '1', { idempotencyKey: 'key' }), { offset: 1, duplicate: true })
    await b.handed('room', 1)
    await eventually(() => a.broker.count('room') === 1, { message: 'counted at the other one' })
    await eventually(async () => {
      await a.broker.publish('room', '2')
      await b.broker.read('room', 'earliest')
      // A log to which nothing is added in time expires as a whole.
      return (await redis.info('commandstats')).includes('cmdstat_xtrim')
    }, { message: 'the first one is trimmed' })
    await a.broker.announce('notice', Date.now() + 60_000)
    await eventually(() => b.announcements.includes('notice'), { message: 'shown to the other one' })
    a.set('7', 1)
    await b.shows('7: 1')
    a.set('7', 0)
    await b.shows('')
    b.leave('room')
    await b.join('room')
    await b.broker.close()
    await redis.call('CLIENT', 'KILL', 'USER', 'messenger')
    await a.turned(false)
    await a.turned(true)
    await eventually(async () => /cmdstat_pexpire/.test(await redis.info('commandstats')), { message: 'an audit' })
    t.strictSame(await redis.call('ACL', 'LOG'), [], 'nothing was denied')
    const used = new Set([...(await redis.info('commandstats')).matchAll(/^cmdstat_([^:]+)/gm)].map(([, command]) => command))
    t.strictSame(rules.filter((rule) => rule.startsWith('+') && !used.has(rule.slice(1))), [], 'each of them is used')
  })

  t.test('keeps apart what has another key prefix', async (t) => {
    const server = await startRedis(t)
    const [a, b] = [await startNode(t, { redis: server.url, keyPrefix: 'a:' }), await startNode(t, { redis: server.url, keyPrefix: 'b:' })]
    await b.join('room')
    await a.publish('room', 1)
    t.match(await b.broker.publish('room', '"b"'), { offset: 1 })
    await b.handed('room', 1)
    t.strictSame(b.messages('room'), ['"b"'])
    t.ok((await server.connect(t).keys('*')).every((key) => /^[ab]:(\{room\}:(meta|log)|instances)$/.test(key)))
  })

  t.test('makes connections of its own from the client of a host, which stays as it was', async (t) => {
    const server = await startRedis(t)
    const host = new Redis(server.socket, { keyPrefix: 'host:', db: 2, enableAutoPipelining: true, lazyConnect: true, commandTimeout: 60_000 })
    t.teardown(() => { host.disconnect() })
    const node = await startNode(t, { redis: host })
    t.equal(host.status, 'wait')
    await host.set('key', 'value')
    await host.subscribe('other')
    await host.unsubscribe('other')
    await node.join('room')
    await node.publish('room', 1)
    await node.handed('room', 1)
    await node.broker.close()
    t.equal(await host.get('key'), 'value')
    t.strictSame([host.status, host.listenerCount('smessage'), host.listenerCount('ready')], ['ready', 0, 0])
    t.strictSame((await server.connect(t).info('keyspace')).match(/db\d+:keys=\d+/g), ['db2:keys=4'])
  })

  for (const [connection, sent] of [['the commands', 'eval'], ['the subscriptions', 'ssubscribe']] as const) {
    t.test(`leaves a server for another one with both connections when that of ${connection} leads there`, async (t) => {
      const [first, second] = [await startRedis(t), await startRedis(t)]
      const proxy = await startProxy(t, first.socket)
      const node = await startNode(t, { redis: proxy.url })
      await node.join('room')
      await node.publish('room', 1)
      await node.handed('room', 1)
      proxy.retarget(second.socket)
      t.equal(proxy.cut(sent), 1)
      await eventually(() => node.gaps.length === 1, { message: 'the gap' })
      await eventually(async () => (await second.connect(t).call('PUBSUB', 'SHARDCHANNELS', '*:live') as string[]).length === 1, { message: 'listened to at the second' })
      await node.turned(true)
      await node.publish('room', 2)
      await node.handed('room', 2)
      t.strictSame(await first.connect(t).call('PUBSUB', 'SHARDCHANNELS', '*:live'), [])
    })
  }

  t.test('verifies a server that changed its office without ending a connection', async (t) => {
    const server = await startRedis(t, { tcp: true })
    const node = await startNode(t, { redis: server.url })
    await node.join('room')
    await node.publish('room', 1, 3)
    const redis = server.connect(t)
    const replid = async (): Promise<string | undefined> => /master_replid:(\w+)/.exec(await redis.info('replication'))?.[1]
    const before = await replid()
    await redis.call('REPLICAOF', '127.0.0.1', '1')
    await redis.call('REPLICAOF', 'NO', 'ONE')
    t.not(await replid(), before)
    const published = await Promise.all(['4', '5', '6'].map((text) => node.broker.publish('room', text)))
    t.strictSame(published.map(({ offset }) => offset), [4, 5, 6], 'in the order of the calls')
    await node.handed('room', 6)
    const epochs = node.delivered('room').map(({ epoch }) => epoch)
    t.strictSame([new Set(epochs).size, epochs[2] === epochs[0], epochs[5] === epochs[3]], [2, true, true], 'a term, an epoch')
    t.strictSame(await node.told(), [])
  })

  t.test('does not take a replica for the server', async (t) => {
    const server = await startRedis(t, { tcp: true })
    const node = await startNode(t, { redis: server.url })
    await node.publish('room', 1)
    const redis = server.connect(t)
    await redis.call('REPLICAOF', '127.0.0.1', '1')
    t.equal(await rejection(node.broker.publish('room', '2')), 'MSG_ERR_ENGINE_UNAVAILABLE')
    await eventually(() => node.statuses.some(({ reason }) => reason.startsWith('READONLY')), { message: 'says why' })
    t.equal(node.broker.ready, false)
    await redis.call('REPLICAOF', 'NO', 'ONE')
    await eventually(() => node.broker.publish('room', '2').then(() => true, () => false), { message: 'published' })
  })
})

/** The arguments of `ACL SETUSER` in the documentation, for one server. */
const DOCUMENTED_RIGHTS = (/`ACL SETUSER ([^`]+)`/.exec(readFileSync(new URL('../../../../docs/instances.md', import.meta.url), 'utf8'))?.[1] ?? '').split(' ')
