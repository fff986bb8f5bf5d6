import { once } from 'node:events'
import { type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders, request, STATUS_CODES } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import messenger, { type MessengerOptions } from '../src/index.js'
import { start } from '../src/server.js'

export const TOKEN = 'test-token'
export const ID = /^[A-Za-z0-9_-]+:[1-9][0-9]*$/

/** Close codes of an app that closes: it goes away, or it restarts. */
export const GOING_AWAY: readonly number[] = [1001, 1012]

/** Starts the service on a free port of this machine; the end of the test closes it. */
export async function startService (t: Test, env: NodeJS.ProcessEnv = {}): Promise<FastifyInstance> {
  const app = await start({ PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'silent', BEARER_TOKEN: TOKEN, DRAIN_SECONDS: '1', ...env })
  t.teardown(() => app.close())
  return app
}

/** A host's app, which the end of the test closes. */
export function createHost (t: Test, options: FastifyServerOptions = {}): FastifyInstance {
  const app = Fastify(options)
  t.teardown(() => app.close())
  return app
}

/** A host's app with the messenger that listens on a free port. */
export async function startHost (t: Test, options: MessengerOptions = {}): Promise<FastifyInstance> {
  const app = createHost(t)
  await app.register(messenger, { token: TOKEN, drainMs: 1_000, ...options })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

/** Where an app listens, like `http://127.0.0.1:3000`. */
export function origin (app: FastifyInstance): string {
  return `http://127.0.0.1:${port(app)}`
}

export function port (app: FastifyInstance): number {
  return (app.server.address() as AddressInfo).port
}

/** The number of TCP connections that the app's server holds. */
export async function countConnections (app: FastifyInstance): Promise<number> {
  return await new Promise((resolve, reject) => {
    app.server.getConnections((error, count) => { if (error) reject(error); else resolve(count) })
  })
}

/** A request, of which every part goes over the wire as it is given. */
export interface AskOptions {
  method?: string
  headers?: OutgoingHttpHeaders
  body?: string | Buffer
}

/** The answer to a request, read whole. */
export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  /** The text parsed, when it is JSON. */
  body: Record<string, unknown>
}

/** Makes a request on a connection of its own. */
export async function ask (app: FastifyInstance, path: string, { method = 'GET', headers = {}, body }: AskOptions = {}): Promise<Answer> {
  const outgoing = request({ host: '127.0.0.1', port: port(app), path, method, headers, agent: false })
  outgoing.end(body)
  const [incoming] = await once(outgoing, 'response') as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  const isJson = text !== '' && incoming.headers['content-type']?.startsWith('application/json') === true
  const parsed = isJson ? JSON.parse(text) as Record<string, unknown> : {}
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, text, body: parsed }
}

/** Default headers of a publisher; a test overrides them, or removes one with `undefined`. */
export function publishHeaders (headers: OutgoingHttpHeaders = {}): OutgoingHttpHeaders {
  const all = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** Publishes over HTTP. */
export async function publish (app: FastifyInstance, channel: string, message: unknown): Promise<Answer> {
  return await post(app, `/send/${channel}`, { message })
}

/** Checks that an answer is an error in the form that every error has. */
export function assertError (t: Test, { status, body }: Answer, expectedStatus: number, code: string, what = code): void {
  t.strictSame(Object.keys(body), ['statusCode', 'code', 'error', 'message'], what)
  t.match(body, { statusCode: expectedStatus, code, error: STATUS_CODES[expectedStatus], message: /./ }, what)
  t.equal(status, expectedStatus, what)
}

/** Posts a value as JSON, with the headers of a publisher or others. */
export async function post (app: FastifyInstance, path: string, value: unknown, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
  return await postRaw(app, path, JSON.stringify(value), headers)
}

/** Posts a body as it is, with the headers of a publisher or others. */
export async function postRaw (
  app: FastifyInstance, path: string, body: string | Buffer, headers: OutgoingHttpHeaders = {}
): Promise<Answer> {
  return await ask(app, path, { method: 'POST', headers: publishHeaders(headers), body })
}

/** A token that the service makes, with the given claims. */
export async function mint (app: FastifyInstance, claims: Record<string, unknown>): Promise<string> {
  const { status, body, text } = await post(app, '/-/tokens', claims)
  if (status !== 200) throw new Error(text)
  return String(body['token'])
}
