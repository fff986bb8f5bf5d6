import { execFile, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join, normalize, resolve } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { oneMillion } from '../../bench/report/one-million.mjs'
import { eventually } from '../eventually.js'
import { ask, origin, startService } from '../helper.js'
import { goodJwt } from '../tokens.js'
import { addressed, environmentOf, runCurl, variablesOf } from './commands.js'
import { Document } from './document.js'
import { componentErrors, scratch, typeErrors } from './snippets.js'

const run = promisify(execFile)
const pagesIn = (directory: string): string[] => readdirSync(directory).filter((name) => name.endsWith('.md')).map((name) => join(directory, name))
const pages = [...pagesIn('.'), ...pagesIn('docs'), ...pagesIn('bench')].sort().map((path) => new Document(path))
const page = (path: string): Document => pages.find((one) => one.path === path) as Document
const { scripts, version } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string>, version: string }

/** The environment of the service that a page assumes, where it differs from that of `npm start`. */
const SERVICES: Record<string, NodeJS.ProcessEnv> = {
  'README.md': { TOKEN_SECRET: 'a-secret-of-thirty-two-characters', PUBLIC_CHANNELS: 'room1' },
  'docs/access.md': { TOKEN_SECRET: 'a-secret-of-thirty-two-characters' }
}
/** The languages of code that tests run, where they are others than those of most pages. */
const LANGUAGES: Record<string, string[]> = {
  'README.md': ['sh', 'js', 'json', 'html'],
  // Run by test/browser/frameworks.test.ts.
  'docs/frameworks.md': ['ts', 'tsx', 'svelte']
}
/** A path in code, such as `src/server.ts`; what the build makes is not among them. */
const REPOSITORY_PATH = /`((?:src|plugins|routes|test|bench|faults|interop|deploy|examples|scripts|docs)\/[\w./-]*)`/g
const ONE_MILLION = ['peers', 'scale', 'compare', 'reconnect']

/** Starts a program of a page as a file of the package. */
function start (t: Test, name: string, code: string): ReturnType<typeof spawn> {
  const file = join(scratch(t, name), 'program.mjs')
  writeFileSync(file, code)
  const child = spawn(process.execPath, [file], { env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill())
  return child
}

t.test('the documentation', async (t) => {
  t.test('links to files and headings that exist', (t) => {
    for (const { path, links } of pages) {
      for (const link of links.filter((target) => !/^https?:/.test(target))) {
        const [file = '', anchor] = link.split('#')
        const target = file === '' ? path : normalize(join(dirname(path), file))
        if (!existsSync(target)) t.fail(`${path} links to ${link}, which does not exist`)
        else if (anchor !== undefined) t.ok(page(target).anchors.includes(anchor), `${path} links to ${link}`)
      }
    }
    t.end()
  })

  t.test('names files and folders of the repository that exist', (t) => {
    let named = 0
    for (const { path, text } of pages.filter(({ path }) => path !== 'CHANGELOG.md')) {
      for (const [, name = ''] of text.matchAll(REPOSITORY_PATH)) {
        t.ok(existsSync(name), `${path} names ${name}`)
        named++
      }
    }
    t.ok(named > 50)
    t.end()
  })

  t.test('has only code that a test runs', (t) => {
    for (const { path, blocks } of pages) {
      const languages = LANGUAGES[path] ?? ['sh', 'js', 'json', 'text']
      for (const { language, code } of blocks) t.ok(languages.includes(language), `${path}: ${code}`)
    }
    t.end()
  })

  t.test('shows JSON that is JSON', (t) => {
    for (const { blocks } of pages) {
      for (const { language, code } of blocks) if (language === 'json') t.type(JSON.parse(code), 'object')
    }
    t.end()
  })

  t.test('has components that compile in a strict program', (t) => {
    const { blocks } = page('docs/frameworks.md')
    const names: Record<string, string> = { Orders: 'orders.tsx', LivePrice: 'live-price.tsx', Page: 'page.tsx', 'useChannel<': 'use-channel.ts', defineComponent: 'room.ts' }
    const files = blocks.filter(({ language }) => language.startsWith('ts')).map(({ code }) => {
      const [, name = ''] = Object.entries(names).find(([mark]) => new RegExp(`(function|default) ${mark}`).test(code)) ?? []
      return { name, code }
    })
    t.strictSame(files.map(({ name }) => name), Object.values(names))
    t.strictSame(componentErrors(t, files), [])
    t.end()
  })

  t.test('has JavaScript that compiles in a strict program', (t) => {
    t.strictSame(typeErrors(t, pages), [])
    t.end()
  })

  for (const { path, blocks } of pages) {
    const commands = blocks.filter(({ language, code }) => language === 'sh' && code.includes('curl'))
    if (commands.length === 0) continue
    t.test(`${path}: every curl command prints what is shown`, async (t) => {
      const app = await startService(t, { BEARER_TOKEN: '', ...SERVICES[path] })
      for (const command of commands) await runCurl(t, app, command)
    })
  }

  t.test('starts the service with variables that it knows and values that it takes', async (t) => {
    const { text } = page('docs/configuration.md')
    const commands = pages.flatMap(({ blocks }) => blocks).filter(({ language, code }) => language === 'sh' && code.includes('npm start'))
    t.ok(commands.length >= 4)
    for (const { code } of commands) {
      for (const name of variablesOf(code)) t.match(text, `\`${name}\``)
      const env = await environmentOf(code)
      t.strictSame(Object.keys(env).sort(), variablesOf(code).sort())
      const app = await startService(t, { BEARER_TOKEN: '', ...env })
      t.equal((await ask(app, '/-/live')).status, 200)
    }
  })

  t.test('names scripts that package.json has', (t) => {
    for (const { path, text } of pages) {
      for (const [, name = ''] of text.matchAll(/npm run ([\w-]+)/g)) t.ok(name in scripts, `${path}: npm run ${name}`)
    }
    t.end()
  })

  t.test('installs the file that npm packs', (t) => {
    t.match(page('README.md').code('sh', 'npm install'), `fastify-messenger-${version}.tgz`)
    t.end()
  })
})

t.test('docs/access.md', async (t) => {
  t.test('makes tokens that open what they name, and revokes them', async (t) => {
    const access = page('docs/access.md')
    const app = await startService(t, { BEARER_TOKEN: '', ...SERVICES['docs/access.md'] })
    const commandOf = (part: string) => ({ language: 'sh', code: access.code('sh', part), output: undefined })
    const { token } = JSON.parse(await runCurl(t, app, commandOf('/-/tokens'))) as { token: string }
    const read = async (): Promise<number> => (await ask(app, '/user:7:orders', { headers: { authorization: `Bearer ${token}` } })).status
    t.equal(await read(), 200)
    await runCurl(t, app, commandOf('/-/revocations'))
    t.equal(await read(), 401)
  })

  t.test('has the host hand out tokens, and decide by itself', async (t) => {
    const access = page('docs/access.md')
    const service = await startService(t, { BEARER_TOKEN: '', ...SERVICES['docs/access.md'] })
    const child = start(t, 'access', `
import Fastify from 'fastify'
import messenger from 'fastify-messenger'
const userOf = async (cookie) => cookie === undefined ? undefined : { id: cookie, sessionEndsAt: new Date(Date.now() + 60_000) }
const app = Fastify()
${addressed(service, access.code('js', '/messenger-token'))}
${access.code('js', 'authorize:')}
console.log(await app.listen({ port: 0, host: '127.0.0.1' }))
`)
    const [output] = await once(child.stdout as NodeJS.ReadableStream, 'data') as [Buffer]
    const host = String(output).trim()
    const statusOf = async (path: string, headers: Record<string, string> = {}): Promise<number> => (await fetch(path, { headers })).status
    const token = await (await fetch(`${host}/messenger-token`, { headers: { cookie: '7' } })).text()
    t.equal(await statusOf(`${origin(service)}/user:7:orders`, { authorization: `Bearer ${token}` }), 200)
    t.equal(await statusOf(`${origin(service)}/user:8:orders`, { authorization: `Bearer ${token}` }), 403)
    t.equal(await statusOf(`${host}/messenger-token`), 401)
    t.equal(await statusOf(`${host}/rt/user:7`, { cookie: '7' }), 200)
    t.equal(await statusOf(`${host}/rt/user:7`, { cookie: '8' }), 403)
  })
})

t.test('docs/client.md', async (t) => {
  t.test('lists the options that the client takes', (t) => {
    const [, members = ''] = readFileSync('src/client/options.ts', 'utf8').split('export interface Options {')
    const options = [...members.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name)
    const listed = page('docs/client.md').rows('Options').map(([option = '']) => /\w+/.exec(option)?.[0])
    t.ok(options.length > 0)
    t.strictSame(listed.sort(), options.sort())
    t.end()
  })
})

t.test('docs/plugin.md', async (t) => {
  t.test('publishes in every way that it shows', async (t) => {
    const plugin = page('docs/plugin.md')
    const [program = '', ...fragments] = plugin.blocks.filter(({ language }) => language === 'js').map(({ code }) => code)
    const child = start(t, 'plugin', `${program.replace('{ port: 3001 }', '{ port: 0 }')}
${fragments.join('\n')}
const entries = await app.inject('/rt/prices?since=earliest')
console.log(JSON.stringify({ price: entries.body, occupied, refused, results }))
await app.close()
`)
    const [output] = await once(child.stdout as NodeJS.ReadableStream, 'data') as [Buffer]
    const seen = JSON.parse(String(output)) as { price: string, results: object[] }
    t.match(seen, { occupied: [], refused: 0, results: [{ channel: 'user:7', id: /:1$/ }, { channel: 'user:8', id: /:1$/ }] })
    t.match(seen.price, '"message":{"price":12345678901234567890}')
    if (child.exitCode === null) await once(child, 'exit')
    t.equal(child.exitCode, 0)
  })
})

t.test('docs/receipts.md', async (t) => {
  t.test('has a client whose acknowledgement the publisher gets', async (t) => {
    const receipts = page('docs/receipts.md')
    const app = await startService(t, { BEARER_TOKEN: '' })
    const child = start(t, 'receipts', `
import { WebSocket } from 'ws'
const show = (message) => { console.log(JSON.stringify(message)) }
${addressed(app, receipts.code('js', 'new WebSocket')).replace('ws://127.0.0.1:3000', origin(app).replace('http', 'ws'))}
`)
    await eventually(() => app.channels.subscriberCount('room1') === 1, { message: 'the client is there' })
    const shown = once(child.stdout as NodeJS.ReadableStream, 'data') as Promise<[Buffer]>
    const file = join(scratch(t, 'publisher'), 'publisher.mjs')
    writeFileSync(file, `export default async (app) => {\n${receipts.code('js', 'waitMs')}\nreturn { received, silent, unable, latencyMs } }`)
    const { default: publish } = await import(resolve(file)) as { default: (app: unknown) => Promise<object> }
    t.match(await publish(app), { received: 1, silent: 0, unable: 0, latencyMs: { p50: Number, max: Number } })
    t.equal(String((await shown)[0]).trim(), '{"text":"Are you there?"}')
  })
})

t.test('docs/presence.md', async (t) => {
  t.test('signs a request for each event', async (t) => {
    const requests: { body: string, headers: IncomingHttpHeaders }[] = []
    const receiver = createServer((request, response) => {
      let body = ''
      request.setEncoding('utf8').on('data', (chunk: string) => { body += chunk }).on('end', () => {
        requests.push({ body, headers: request.headers })
        response.writeHead(204).end()
      })
    }).listen(0, '127.0.0.1')
    t.teardown(() => { receiver.close() })
    await once(receiver, 'listening')
    const { port } = receiver.address() as AddressInfo
    const code = page('docs/presence.md').code('js', 'createHmac')
    t.ok(code.trim().split('\n').length <= 35)
    const child = start(t, 'presence', code.replace('https://example.com', `http://127.0.0.1:${port}`).replace('port: 3001', 'port: 0, host: \'127.0.0.1\''))
    const [output] = await once(child.stdout as NodeJS.ReadableStream, 'data') as [Buffer]
    const socket = new WebSocket(`${String(output).trim().replace('http', 'ws')}/chat:1`, { headers: { authorization: `Bearer ${goodJwt({ sub: '7' })}` } })
    t.teardown(() => { socket.terminate() })
    await eventually(() => requests.length === 1, { message: 'a request' })
    const [{ body, headers }] = requests as [typeof requests[0]]
    t.strictSame(JSON.parse(body), { type: 'join', channel: 'chat:1', sub: '7' })
    const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = headers
    t.equal(signature, `v1,${createHmac('sha256', 'a-secret-that-the-receiver-shares').update(`${String(id)}.${String(timestamp)}.${body}`).digest('base64')}`)
  })
})

t.test('docs/testing.md', async (t) => {
  t.test('has a test of an app that passes', async (t) => {
    const directory = scratch(t, 'testing')
    writeFileSync(join(directory, 'app.test.mjs'), page('docs/testing.md').code('js', 'node:assert'))
    const { stderr } = await run(process.execPath, [join(directory, 'app.test.mjs')], { env: { PATH: process.env['PATH'] } })
    t.equal(stderr, '')
  })
})

t.test('docs/one-million.md', async (t) => {
  t.test('is computed from the results as they are', (t) => {
    const results = new Map(ONE_MILLION.map((name) => [name, JSON.parse(readFileSync(`bench/results/${name}.json`, 'utf8')) as unknown]))
    t.equal(page('docs/one-million.md').text, oneMillion((name) => results.get(name)), 'node bench/one-million.mjs writes it anew')
    t.end()
  })
})
