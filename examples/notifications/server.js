// A channel per user, tabs that share a connection, and a job that falls back to e-mail where there is no receipt.
// Points of interest:
// - `authorize` lets the session of the app decide: a user has the right to the channel `user:<name>` and to no other.
// - page/page.js passes `share`, so that all tabs of a user have one connection, however many there are.
// - `notify` waits for a receipt (`waitMs`). `received` counts connections whose page has handled the message.
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import Fastify from 'fastify'
import messenger from 'fastify-messenger'

const USERS = ['Anna', 'Ben']
const NOTICES = {
  shipped: { title: 'Your parcel is on its way', text: 'It left Graz this morning and arrives tomorrow.' },
  invoice: { title: 'Your invoice is ready', text: 'Order 4711, 38.20 EUR, payable until Friday.' },
  reply: { title: 'Support has answered', text: '“We have sent you a new charger. Keep the old one.”' }
}
const app = Fastify({ logger: { level: 'warn' } })

app.addHook('onRequest', async (request, reply) => { reply.header('content-security-policy', "default-src 'self'") })

// A real app signs this cookie, or keeps a session behind it: here every client can be Anna.
function userOf ({ headers }) {
  return USERS.find((user) => headers.cookie?.split('; ').includes(`user=${user}`))
}

await app.register(messenger, {
  prefix: '/rt',
  authorize: async (request, channel, action) => {
    const user = userOf(request)
    // `jobs` is the list on the page of the job; with accounts it would be restricted to users who may run jobs.
    return action === 'subscribe' && (channel === 'jobs' || channel === `user:${user}`) && { subject: user ?? 'operator' }
  },
  historySize: 20,
  historyTtlMs: 24 * 60 * 60 * 1_000
})

await app.register(fastifyStatic, { root: [join(import.meta.dirname, 'page'), join(import.meta.dirname, '../style')] })

app.get('/me', async (request) => ({ user: userOf(request) ?? null }))

app.get('/login/:user', async (request, reply) => {
  reply.header('set-cookie', `user=${encodeURIComponent(request.params.user)}; Path=/; HttpOnly; SameSite=Lax`)
  return await reply.redirect('/')
})

/** Notifies a user; resolves with the result. */
async function notify (user, notice) {
  const { received, latencyMs } = await app.channels.publish(`user:${user}`, notice, { waitMs: 2_000 })
  // No page was open, or none has handled the message in time. It is in the channel's history nevertheless.
  if (!received) return { user, ...notice, ...await sendMail(user, notice) }
  return { user, ...notice, by: 'page', connections: received, ms: Math.ceil(latencyMs.max) }
}

const addressOf = (user) => `${user.toLowerCase()}@example.com`

async function sendMail (user, { title }) {
  app.log.info(`To: ${addressOf(user)}, Subject: ${title}`)
  return { by: 'mail', to: addressOf(user) }
}

const job = {
  type: 'object',
  required: ['user', 'notice'],
  properties: { user: { enum: USERS }, notice: { enum: Object.keys(NOTICES) } }
}

app.post('/jobs', { schema: { body: job } }, async ({ body }) => {
  const result = await notify(body.user, NOTICES[body.notice])
  await app.channels.publish('jobs', result)
  return result
})

const address = await app.listen({ port: Number(process.env.PORT ?? 3000), host: process.env.HOST ?? '127.0.0.1' })
console.log(`Notifications: open ${address} in two tabs, and ${address}/job.html beside them`)
