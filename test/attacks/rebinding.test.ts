import t from 'tap'
import { readConfig } from '../../src/config.js'
import { ask, assertError, publishHeaders, startHost, startService } from '../helper.js'
import { connectRaw, upgradeRequest } from '../sockets.js'
import { bearer } from '../tokens.js'

const EVIL = 'evil.example:3000'

t.test('a page whose name points to this machine', async (t) => {
  t.test('does not reach a service with the public token', async (t) => {
    const app = await startService(t, { BEARER_TOKEN: '' })
    const body = '{"message":1}'
    const headers = { ...publishHeaders(), ...bearer('default-secret') }
    for (const [path, options] of [['/room', {}], ['/send/room', { method: 'POST', headers, body }], ['/-/limits', { headers }], ['/-/live', {}]] as const) {
      assertError(t, await ask(app, path, { ...options, headers: { ...('headers' in options ? options.headers : {}), host: EVIL } }), 403, 'MSG_ERR_HOST_FORBIDDEN', path)
      for (const host of ['localhost', 'LOCALHOST:3000', 'app.localhost', '127.0.0.1:3000', '127.1.2.3', '[::1]:3000']) t.equal((await ask(app, path, { ...options, headers: { ...('headers' in options ? options.headers : {}), host } })).status, 200, host)
    }
    const connection = await connectRaw(t, app)
    connection.write(upgradeRequest('/room').replace('Host: test', `Host: ${EVIL}`))
    t.match(await connection.readHead(), /^HTTP\/1.1 403 /)
  })

  t.test('does not get past ALLOWED_ORIGINS there', async (t) => {
    const app = await startService(t, { BEARER_TOKEN: '', ALLOWED_ORIGINS: 'https://good.example,https://*.good.example:444' })
    assertError(t, await ask(app, '/room', { headers: { host: EVIL, origin: `http://${EVIL}` } }), 403, 'MSG_ERR_HOST_FORBIDDEN')
    for (const host of ['good.example', 'a.good.example:3000', '127.0.0.1']) t.equal((await ask(app, '/room', { headers: { host } })).status, 200, host)
  })

  t.test('does not get past ALLOWED_ORIGINS of a service that has a token and is told its hosts', async (t) => {
    const app = await startService(t, { ALLOWED_ORIGINS: 'https://good.example', ALLOWED_HOSTS: '127.0.0.1' })
    assertError(t, await ask(app, '/room', { headers: { host: EVIL, origin: `http://${EVIL}` } }), 403, 'MSG_ERR_HOST_FORBIDDEN')
    t.equal((await ask(app, '/room')).status, 200)
  })

  t.test('is no concern of a service that has a token, or is told its hosts', async (t) => {
    t.equal(readConfig({ BEARER_TOKEN: 'x', ALLOWED_ORIGINS: 'https://a.example' }).messenger.allowedHosts, undefined)
    t.equal(readConfig({ BEARER_TOKEN: 'x', HOST: '127.0.0.1' }).messenger.allowedHosts, undefined)
    const app = await startService(t, { BEARER_TOKEN: '', ALLOWED_HOSTS: 'push.example, *.push.example' })
    for (const [host, status] of [['push.example', 200], ['push.example.:80', 200], ['a.push.example', 200], ['evilpush.example', 403], ['localhost', 403]] as const) t.equal((await ask(app, '/room', { headers: { host } })).status, status, host)
    const any = await startService(t, { BEARER_TOKEN: '', ALLOWED_HOSTS: '*' })
    t.equal((await ask(any, '/room', { headers: { host: EVIL } })).status, 200)
  })

  t.test('is refused by a host that names its own', async (t) => {
    const app = await startHost(t, { allowedHosts: ['app.example'] })
    t.equal((await ask(app, '/room', { headers: { host: 'app.example' } })).status, 200)
    assertError(t, await ask(app, '/room'), 403, 'MSG_ERR_HOST_FORBIDDEN')
  })
})

t.test('every answer', async (t) => {
  t.test('is taken for what it says that it is', async (t) => {
    const app = await startService(t)
    for (const path of ['/', '/client.js', '/room', '/room?since=x', '/nowhere/at/all', '/-/live', '/-/limits', '/%E0%A4%A']) t.equal((await ask(app, path)).headers['x-content-type-options'], 'nosniff', path)
    t.equal((await ask(app, '/room', { method: 'OPTIONS' })).headers['x-content-type-options'], 'nosniff')
    t.equal((await ask(app, '/send/room', { method: 'POST' })).headers['x-content-type-options'], 'nosniff')
    const connection = await connectRaw(t, app)
    connection.write('nonsense\r\n\r\n')
    t.match(await connection.readHead(), /X-Content-Type-Options: nosniff/)
  })
})
