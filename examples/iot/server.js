// Devices publish over HTTP with keys of their own; a page shows a board of sensors.
// Points of interest:
// - POST /devices makes a key: a token whose claim `send` covers the channel of this device and no other.
// - device.js is the device. It knows its key and the address, and needs nothing but `fetch`.
// - Revoking a device refuses its key at once, on every instance. The others continue.
// - `publicChannels`: the board reads without a token.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import Fastify from 'fastify'
import messenger from 'fastify-messenger'
import { runDevice } from './device.js'

const KEY_SECONDS = 30 * 24 * 60 * 60
/** The devices that this program simulates: name, usual temperature, and the range of normal temperatures. */
const SIMULATED = [
  ['Greenhouse 1', 24, 18, 28], ['Greenhouse 2', 25.5, 18, 28], ['Cold store', 4, 2, 6], ['Server room', 27.4, 18, 27], ['Roof', 11, -20, 40],
  ['Cellar', 13, 8, 16]
]
const operator = randomBytes(16).toString('hex')
const devices = new Map()
const app = Fastify({ logger: { level: 'warn' } })

app.addHook('onRequest', async (request, reply) => { reply.header('content-security-policy', "default-src 'self'") })

await app.register(messenger, {
  prefix: '/rt',
  token: operator,
  tokenSecret: randomBytes(32).toString('hex'),
  publicChannels: ['sensor:*', 'devices'],
  historySize: 60
})
await app.register(fastifyStatic, { root: [join(import.meta.dirname, 'page'), join(import.meta.dirname, '../style')] })

/** Sends a request to the messenger with the operator's token, which must not reach a page. */
async function operate (url, payload) {
  const answer = await app.inject({ method: 'POST', url, payload, headers: { authorization: `Bearer ${operator}` } })
  if (answer.statusCode !== 200) throw new Error(answer.body)
  return answer.json()
}

async function addDevice (name, min, max) {
  const id = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '')
  if (id === '' || devices.has(id)) throw Object.assign(new Error(`There is a device "${name}", or it has no letters`), { statusCode: 409 })
  const device = { id, name, min, max, revoked: false }
  devices.set(id, device)
  const { token: key } = await operate('/rt/-/tokens', { sub: id, send: [`sensor:${id}`], ttl: KEY_SECONDS })
  await app.channels.publish('devices', device)
  return { ...device, key }
}

// In a real app these routes are restricted to administrators of devices.
const body = { type: 'object', required: ['name'], properties: { name: { type: 'string', minLength: 1, maxLength: 24 } } }
app.get('/devices', async () => [...devices.values()])
app.post('/devices', { schema: { body } }, async (request) => await addDevice(request.body.name, 15, 25))
app.post('/devices/:id/revoke', async (request, reply) => {
  const device = devices.get(request.params.id)
  if (device === undefined) return await reply.code(404).send()
  await operate('/rt/-/revocations', { sub: device.id })
  device.revoked = true
  await app.channels.publish('devices', device)
  return device
})

const address = await app.listen({ port: Number(process.env.PORT ?? 3000), host: process.env.HOST ?? '127.0.0.1' })
console.log(`Devices: open ${address}`)

for (const [name, usual, min, max] of SIMULATED) {
  const { id, key } = await addDevice(name, min, max)
  runDevice({ server: `${address}/rt`, id, key, usual }).then((code) => { console.log(`${name}: ${code}`) }, (error) => { app.log.error(error) })
}
