import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { addressed } from '../docs/commands.js'
import { Document } from '../docs/document.js'
import type { connectToChannel as connect } from '../../src/client/index.js'
import { ask, createHost, origin, startHost, startService } from '../helper.js'
import { bearer, SECRET, token } from '../tokens.js'
import { launch, openPage, watchErrors } from './chromium.js'

// A browser is slow on a busy machine.
t.setTimeout(180_000)

/** The outcome of a request of a page: what it could read, or that it could read nothing. */
type Outcome = { status: number, code: string | undefined, retryAfter: string | null } | 'TypeError' | 'SyntaxError'

/** A site whose pages get a token from its backend. */
async function startSite (t: Test, token = '', html = ''): Promise<string> {
  const app = createHost(t)
  app.get('/', async (_request, reply) => await reply.type('text/html; charset=utf-8').send(`<!doctype html><title>site</title>${html}`))
  app.get('/messenger-token', async () => token)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
}

/** Publishes from a page with fetch. */
async function send (page: Page, url: string, init: RequestInit): Promise<Outcome> {
  return await page.evaluate(async ([url, init]) => {
    try {
      const answer = await fetch(url, init)
      const { code } = await answer.json() as { code?: string }
      return { status: answer.status, code, retryAfter: answer.headers.get('retry-after') }
    } catch (error) {
      return (error as Error).name as 'TypeError' | 'SyntaxError'
    }
  }, [url, init] as const)
}

const json = (message: unknown = 1, headers: Record<string, string> = {}): RequestInit =>
  ({ method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ message }) })

async function kept (app: FastifyInstance, channel: string): Promise<unknown[]> {
  const { body } = await ask(app, `/${channel}`, { headers: bearer(token()) })
  return (body['messages'] as { message: unknown }[]).map(({ message }) => message)
}

t.test('a page in Chromium', async (t) => {
  const newContext = await launch(t)
  const open = (t: Test, url: string): Promise<Page> => openPage(t, newContext, url)

  await t.test('publishes from an allowed origin, as docs/access.md shows, to the subscribers of the channel', async (t) => {
    const own = token({ subscribe: ['user:7:*'], send: ['user:7:*'] })
    const site = await startSite(t, own)
    const app = await startService(t, { TOKEN_SECRET: SECRET, ALLOWED_ORIGINS: site })
    const subscriber = await open(t, await startSite(t, '', `<script src="${origin(app)}/client.js"></script>`))
    t.equal(await send(subscriber, `${origin(app)}/send/user:7:notes`, json('evil', bearer(own))), 'TypeError', 'another site')
    t.equal(await send(subscriber, `${origin(app)}/send/user:7:notes`, { ...json('evil'), mode: 'no-cors' }), 'SyntaxError', 'the browser drops what it may not send')

    const page = await open(t, site)
    await page.evaluate(async ([server, token]) => {
      const { connectToChannel } = await import(`${server}/client.mjs`) as { connectToChannel: typeof connect }
      const got: unknown[] = []
      Object.assign(window, { got })
      await new Promise<void>((resolve) => { connectToChannel('user:7:notes', (message) => got.push(message), { server, token, onOpen: () => { resolve() } }) })
    }, [origin(app), own] as const)
    const publisher = await page.context().newPage()
    watchErrors(t, publisher)
    await publisher.goto(site)
    const lines: string[] = []
    publisher.on('console', (line) => { lines.push(line.text()) })
    const code = addressed(app, new Document('docs/access.md').code('js', '/send/user:7:notes'))
    await publisher.evaluate(`(async () => { ${code} })()`)
    await page.waitForFunction(() => (window as never as { got: unknown[] }).got.length === 1)
    t.strictSame(await page.evaluate(() => (window as never as { got: unknown[] }).got), [{ text: 'Hello' }])
    t.match(lines, [/^sent as [\w-]+:1$/])
    t.strictSame(await kept(app, 'user:7:notes'), [{ text: 'Hello' }])
  })

  await t.test('reads why it was refused, where its origin is allowed', async (t) => {
    const site = await startSite(t)
    const app = await startHost(t, { prefix: '/rt', tokenSecret: SECRET, allowedOrigins: [site], maxMessageBytes: 1_000, maxPublishesPerSecond: 1 })
    const page = await open(t, site)
    const own = bearer(token({ send: ['room', 'other'] }))
    const url = `${origin(app)}/rt/send/room`
    const prefer = { ...own, prefer: 'wait=1', 'idempotency-key': 'once' }
    t.match(await send(page, url, json(1, prefer)), { status: 200, code: undefined })
    t.match(await send(page, url, json(1)), { status: 401, code: 'MSG_ERR_TOKEN_MISSING' })
    t.match(await send(page, `${origin(app)}/rt/send/elsewhere`, json(1, own)), { status: 403, code: 'MSG_ERR_CHANNEL_FORBIDDEN' })
    const large = bearer(token({ send: ['*'], sub: 'large' }))
    t.match(await send(page, url, json('x'.repeat(5_000), large)), { status: 413, code: 'MSG_ERR_MESSAGE_TOO_LARGE' })
    t.match(await send(page, url, json(1, { ...large, 'content-type': 'text/plain' })), { status: 415, code: 'MSG_ERR_MEDIA_TYPE' })
    const batch = { ...json(), headers: { 'content-type': 'application/json', ...large }, body: JSON.stringify({ channels: Array<string>(100).fill('other'), message: 1 }) }
    t.match(await send(page, `${origin(app)}/rt/send`, batch), { status: 200, code: undefined })
    t.match(await send(page, url, json(1, large)), { status: 429, code: 'MSG_ERR_RATE_LIMITED', retryAfter: /^[1-9][0-9]*$/ })
  })

  await t.test('publishes with the cookies of its user where the host accepts them from its origin, and from no other', async (t) => {
    const [site, evil] = [await startSite(t), await startSite(t)]
    const app = await startHost(t, { allowedOrigins: [site], authorize: ({ headers }) => headers.cookie === 'session=alice' })
    const statusOf = async (url: string, init: RequestInit): Promise<Outcome> => {
      const page = await open(t, url)
      // The sites have the same host, and therefore the same cookies.
      await page.evaluate(() => { document.cookie = 'session=alice' })
      return await send(page, `${origin(app)}/send/room`, init)
    }
    t.match(await statusOf(site, { ...json(1), credentials: 'include' }), { status: 200 })
    t.match(await statusOf(site, { ...json(2), credentials: 'omit' }), { status: 403 })
    t.equal(await statusOf(evil, { ...json(3), credentials: 'include' }), 'TypeError')
    t.equal(await statusOf(evil, { method: 'POST', body: '{"message":4}', mode: 'no-cors', credentials: 'include' }), 'SyntaxError', 'as a form can be sent')
    const { body } = await ask(app, '/room', { headers: { cookie: 'session=alice' } })
    t.match(body, { messages: { length: 1 } })
  })

  await t.test('publishes from any origin where all are allowed, but not with the public token', async (t) => {
    const site = await startSite(t)
    const app = await startService(t, { BEARER_TOKEN: '', TOKEN_SECRET: SECRET })
    const page = await open(t, site)
    const url = `${origin(app)}/send/room`
    t.match(await send(page, url, json(1, bearer(token()))), { status: 200 })
    t.match(await send(page, url, json(2, bearer('default-secret'))), { status: 403, code: 'MSG_ERR_ORIGIN_FORBIDDEN' })
    t.equal(await send(page, `${origin(app)}/-/tokens`, json(3, bearer('default-secret'))), 'TypeError', 'the routes of operators are not for pages')
    t.match(await send(await open(t, `${origin(app)}/`), url, json(4, bearer('default-secret'))), { status: 200 }, 'the page of the service')
    t.strictSame(await kept(app, 'room'), [1, 4])
  })
})
