// Rooms, their members, and pages that publish directly.
// Points of interest:
// - POST /session gives a page its token, with the channels to subscribe to, the channels to publish to (`send`) and the user (`sub`).
// - `presence: true` makes the members of a room known; the page follows them on `room:<name>~presence`.
// - No route here takes messages: the page posts them to the messenger itself (page/page.js).
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import Fastify from 'fastify'
import messenger from 'fastify-messenger'

const operator = randomBytes(16).toString('hex')
const app = Fastify({ logger: { level: 'warn' } })

app.addHook('onRequest', async (request, reply) => { reply.header('content-security-policy', "default-src 'self'") })

await app.register(messenger, {
  prefix: '/rt',
  token: operator,
  // Both are new with each start, which ends all sessions; pages request another token automatically.
  tokenSecret: randomBytes(32).toString('hex'),
  channels: { 'room:*': { presence: true } },
  historySize: 50,
  historyTtlMs: 24 * 60 * 60 * 1_000,
  // The tokens of pages are counted by their `sub`, so that no user floods a room.
  maxPublishesPerSecond: 5
})

await app.register(fastifyStatic, { root: [join(import.meta.dirname, 'page'), join(import.meta.dirname, '../style')] })

const name = { type: 'string', minLength: 1, maxLength: 20, pattern: '^[^\\p{C}]*$' }

// A real app checks a password or a cookie here; this one accepts any name.
app.post('/session', { schema: { body: { type: 'object', required: ['name'], properties: { name } } } }, async (request) => {
  const answer = await app.inject({
    method: 'POST',
    url: '/rt/-/tokens',
    headers: { authorization: `Bearer ${operator}` },
    payload: { sub: request.body.name, subscribe: ['room:*'], send: ['room:*'], ttl: 600 }
  })
  return { token: answer.json().token }
})

const address = await app.listen({ port: Number(process.env.PORT ?? 3000), host: process.env.HOST ?? '127.0.0.1' })
console.log(`Chat: open ${address} in two windows, with two names`)
