// Rooms, their members, and pages that publish by themselves.
// What to look at:
// - POST /session hands a page its token: what it may subscribe to, what it may publish to (`send`), and who it is (`sub`).
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
  // Both are new with each start, which ends all sessions; pages ask for another token by themselves.
  tokenSecret: randomBytes(32).toString('hex'),
  channels: { 'room:*': { presence: true } },
  historySize: 50,
  historyTtlMs: 24 * 60 * 60 * 1_000,
  // A token of a page counts by its `sub`: nobody floods a room.
  maxPublishesPerSecond: 5
})

await app.register(fastifyStatic, { root: [join(import.meta.dirname, 'page'), join(import.meta.dirname, '../style')] })

const name = { type: 'string', minLength: 1, maxLength: 20, pattern: '^[^\\p{C}]*$' }

// Where a real app checks a password or a cookie, this one believes the name.
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
