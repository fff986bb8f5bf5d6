import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { packageVersion, publicDirectory, publicFiles, servedFiles } from '../../src/public-files.js'
import { ask, assertError, publish, startHost, startService } from '../helper.js'
import { refusal } from '../sockets.js'

t.test('GET of a file', async (t) => {
  t.test('answers with it, and with the client for scripts of any origin', async (t) => {
    const app = await startService(t)
    for (const [name, type] of [['client.js', /^(text|application)\/javascript/], ['client.mjs', /^(text|application)\/javascript/], ['client.shared.js', /^(text|application)\/javascript/], ['index.html', /^text\/html/]] as const) {
      const { status, headers, text } = await ask(app, `/${name}`)
      t.equal(status, 200)
      t.equal(text, readFileSync(`${publicDirectory}/${name}`, 'utf8'))
      t.match(headers['content-type'], type)
      if (name.startsWith('client')) t.match(headers, { 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin', 'x-content-type-options': 'nosniff' })
    }
  })

  t.test('has headers by which the page loads only its own files and cannot be framed', async (t) => {
    const app = await startService(t)
    for (const name of ['', 'index.html', 'page.js', 'page.css']) {
      const { headers } = await ask(app, `/${name}`)
      t.match(headers['content-security-policy'], /default-src 'none';.*script-src 'self';.*frame-ancestors 'none'/, name)
      t.match(headers, { 'x-frame-options': 'SAMEORIGIN', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cross-origin-resource-policy': 'same-origin' }, name)
      t.notOk(headers['access-control-allow-origin'], name)
      t.notOk(headers['strict-transport-security'], name)
    }
  })

  t.test('answers so that with allowed origins only their pages may read it; a script tag loads the client all the same', async (t) => {
    const app = await startService(t, { ALLOWED_ORIGINS: 'https://example.com' })
    for (const [origin, allowed] of [['https://example.com', 'https://example.com'], ['https://evil.org', undefined]] as const) {
      const { status, headers } = await ask(app, '/client.mjs', { headers: { origin } })
      t.equal(status, 200)
      t.match(headers, { 'access-control-allow-origin': allowed, vary: /Origin/, 'cross-origin-resource-policy': 'cross-origin' })
    }
  })

  t.test('answers with the page at /', async (t) => {
    const app = await startService(t)
    const { status, text } = await ask(app, '/')
    t.equal(status, 200)
    t.equal(text, readFileSync(`${publicDirectory}/index.html`, 'utf8'))
  })

  t.test('can be made conditional', async (t) => {
    const app = await startService(t)
    const { headers: { etag } } = await ask(app, '/client.js')
    t.match(await ask(app, '/client.js', { headers: { 'if-none-match': etag } }), { status: 304, text: '' })
  })

  t.test('as HEAD is answered the same without the file', async (t) => {
    for (const [app, paths] of [[await startService(t), ['/', '/index.html', '/page.js', '/client.js', '/client.mjs', '/client.shared.js', '/client.shared.mjs']], [await startHost(t, { prefix: '/rt' }), ['/rt/client.js']]] as const) {
      for (const path of paths) {
        const [get, head] = [await ask(app, path), await ask(app, path, { method: 'HEAD' })]
        t.equal(head.status, 200, path)
        t.equal(head.text, '')
        t.same({ ...head.headers, date: '' }, { ...get.headers, date: '' })
      }
    }
  })

  t.test('serves the client also under names with the version, which caches may keep forever', async (t) => {
    const version = packageVersion()
    const names = { 'client.js': `client.${version}.js`, 'client.mjs': `client.${version}.mjs`, 'client.shared.js': `client.shared.${version}.js`, 'client.shared.mjs': `client.shared.${version}.mjs` }
    for (const [app, prefix] of [[await startService(t), ''], [await startHost(t, { prefix: '/rt' }), '/rt']] as const) {
      for (const [file, name] of Object.entries(names)) {
        const [plain, versioned, head] = [await ask(app, `${prefix}/${file}`), await ask(app, `${prefix}/${name}`), await ask(app, `${prefix}/${name}`, { method: 'HEAD' })]
        t.equal(versioned.status, 200, name)
        t.equal(versioned.text, plain.text)
        t.equal(versioned.headers['cache-control'], 'public, max-age=31536000, immutable')
        t.match(plain.headers['cache-control'], /max-age=0/)
        const same = ['content-type', 'access-control-allow-origin', 'cross-origin-resource-policy', 'x-content-type-options', 'etag']
        for (const header of same) t.equal(versioned.headers[header], plain.headers[header], header)
        t.same({ ...head.headers, date: '' }, { ...versioned.headers, date: '' })
        t.match(await ask(app, `${prefix}/${name}`, { headers: { 'if-none-match': versioned.headers.etag } }), { status: 304, headers: { 'cache-control': /immutable/ } })
      }
    }
  })

  t.test('reserves the names with the version, on every transport, and no other versions', async (t) => {
    const app = await startService(t)
    const version = packageVersion()
    for (const name of [`client.${version}.js`, `client.shared.${version}.mjs`]) {
      t.match(await publish(app, name, 1), { status: 400, body: { code: 'MSG_ERR_CHANNEL_RESERVED' } }, name)
      t.match(await refusal(t, app, `/${name}`), { code: 1008 }, name)
    }
    for (const name of ['client.0.0.0.js', `page.${version}.js`, `index.${version}.html`, `client.${version}`]) t.match(await publish(app, name, 1), { status: 200 }, name)
  })

  t.test('finds nothing outside the directory', async (t) => {
    const app = await startService(t)
    for (const path of ['/../package.json', '/%2e%2e/package.json', '/..%2fpackage.json', '/public/client.js', '//etc/passwd', '/client.js/', '/client.js/..']) {
      const { status, text } = await ask(app, path)
      t.ok(status === 400 || status === 404, `${path} is answered with ${status}`)
      t.notMatch(text, 'fastify-messenger"')
    }
  })
})

t.test('a path that is nothing', async (t) => {
  t.test('is answered with 404 in the form of every error', async (t) => {
    const app = await startService(t)
    for (const path of ['/a/b', '/room/', '/-/', '/-/other', '/a/b?since=now']) assertError(t, await ask(app, path), 404, 'MSG_ERR_NOT_FOUND', path)
    for (const [method, path] of [['PUT', '/a/b'], ['OPTIONS', '/-/tokens'], ['POST', '/-/other']] as const) {
      assertError(t, await ask(app, path, { method }), 404, 'MSG_ERR_NOT_FOUND', `${method} ${path}`)
    }
  })
})

t.test('files of the messenger in a host', async (t) => {
  t.test('are the client only, and the page only when asked for', async (t) => {
    const app = await startHost(t)
    t.equal((await ask(app, '/client.js')).status, 200)
    t.equal((await ask(app, '/client.mjs')).status, 200)
    assertError(t, await ask(app, '/'), 400, 'MSG_ERR_CHANNEL_INVALID')
    assertError(t, await ask(app, '/index.html'), 400, 'MSG_ERR_CHANNEL_RESERVED')
    const withPage = await startHost(t, { page: true, prefix: '/rt' })
    t.equal((await ask(withPage, '/rt/')).status, 200)
    t.equal((await ask(withPage, '/rt/index.html')).status, 200)
    t.equal((await ask(withPage, '/')).status, 404)
  })

  t.test('leave the paths beside the prefix to the host', async (t) => {
    const app = await startHost(t, { prefix: '/rt' })
    t.equal((await ask(app, '/client.js')).status, 404)
    t.equal((await ask(app, '/rt/client.js')).status, 200)
    t.match(await refusal(t, app, '/rt/'), { code: 1008 })
    t.match(await refusal(t, app, '/rt/a/b'), { code: 1008 })
    t.equal((await ask(app, '/rt/a/b')).status, 404)
  })
})

t.test('publicFiles', async (t) => {
  t.test('are all that is in the directory, the page and the client among it', async (t) => {
    t.strictSame([...publicFiles()].sort(), readdirSync(publicDirectory).sort())
    for (const name of ['index.html', 'client.js', 'client.mjs']) t.ok(publicFiles().has(name), name)
  })

  t.test('are served under their names, and those of the client with the version, too', async (t) => {
    const served = servedFiles()
    const files = [...publicFiles()]
    t.strictSame([...served.values()].filter(({ immutable }) => !immutable).map(({ file }) => file), files)
    t.strictSame([...served.values()].filter(({ immutable }) => immutable).map(({ file }) => file), files.filter((file) => file.startsWith('client.')))
    t.equal(served.size, files.length + 4)
  })

  t.test('are nothing that only developers need', async (t) => {
    for (const name of publicFiles()) t.notMatch(name, /\.(map|d\.ts|d\.mts|ts)$/)
  })
})
