// An application of several processes under pm2, which Redis makes one messenger.
// Points of interest:
// - `redis`: each process publishes to the pages of all, with one order and one history per channel.
// - `process.send('ready')` and the signals: `pm2 reload` replaces the processes one by one, and pages continue with another one.
// - Sticky sessions are not needed: a page resumes at any process.
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import Fastify from 'fastify'
import messenger from 'fastify-messenger'

const app = Fastify({ logger: { level: 'warn' } })

app.addHook('onRequest', async (request, reply) => { reply.header('content-security-policy', "default-src 'self'") })

await app.register(messenger, { prefix: '/rt', redis: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379', redisKeyPrefix: 'example:' })
await app.register(fastifyStatic, { root: [join(import.meta.dirname, 'page'), join(import.meta.dirname, '../style')] })

app.post('/publish', async (request, reply) => {
  // So that the next request of the page may go to another process.
  reply.header('connection', 'close')
  const { id } = await app.channels.publish('processes', { by: process.pid })
  return { id, by: process.pid }
})

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => { app.close() })
const address = await app.listen({ port: Number(process.env.PORT ?? 3000), host: process.env.HOST ?? '127.0.0.1' })
process.send?.('ready')
console.log(`Process ${process.pid}: open ${address} in two windows`)
