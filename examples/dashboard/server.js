// Prices and gauges: many channels on one connection, drawn by small charts without a library.
// Points of interest:
// - page/page.js calls connectToChannel once per channel; all calls share one connection.
// - A page that opens has the last minute at once: `since: 'earliest'` begins with the oldest kept message.
// - `publishAll` publishes the changes of one turn as a batch.
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import Fastify from 'fastify'
import messenger from 'fastify-messenger'

const SYMBOLS = {
  'BTC-EUR': 91_204, 'ETH-EUR': 3_180, 'EUR-USD': 1.084, 'EUR-GBP': 0.853, 'EUR-CHF': 0.941, 'EUR-JPY': 162.4,
  GOLD: 2_412, SILVER: 28.6, COPPER: 9_310, OIL: 78.4, GAS: 31.2, WHEAT: 214,
  ACME: 182.3, GLOBEX: 64.8, INITECH: 23.1, UMBRA: 408.2, HOOLI: 291.5, STARK: 755, WAYNE: 512.4, TYRELL: 97.6,
  CYBER: 44.2, SOYLENT: 18.9, ORCORP: 131.7, VANDELAY: 72.3
}
const GAUGES = { processor: 42, memory: 63, queue: 18, errors: 2 }
const TURN_MS = 500
const SEED = 7

const app = Fastify({ logger: { level: 'warn' } })

app.addHook('onRequest', async (request, reply) => { reply.header('content-security-policy', "default-src 'self'") })

await app.register(messenger, { prefix: '/rt', historySize: 60, historyTtlMs: 120_000 })
await app.register(fastifyStatic, { root: [join(import.meta.dirname, 'page'), join(import.meta.dirname, '../style')] })

app.get('/channels', async () => ({
  prices: Object.keys(SYMBOLS).map((symbol) => `price:${symbol}`),
  gauges: Object.keys(GAUGES).map((name) => `gauge:${name}`)
}))

/** Numbers from 0 to 1 that look random and are the same in each run. */
let state = SEED
function random () {
  state = (state * 48_271) % 2_147_483_647
  return state / 2_147_483_647
}

// Data that a real app would receive from an exchange and from machines.
const market = new Map(Object.entries(SYMBOLS).map(([symbol, price]) => [symbol, { price, trend: 0 }]))
const machine = new Map(Object.entries(GAUGES))

function turn () {
  const entries = []
  for (const [symbol, quote] of market) {
    if (random() < 0.35) continue
    quote.trend = quote.trend * 0.9 + (random() - 0.5) * 0.0003
    quote.price *= 1 + quote.trend + (random() - 0.5) * 0.0012
    entries.push({ channel: `price:${symbol}`, message: Number(quote.price.toPrecision(6)) })
  }
  for (const [name, usual] of Object.entries(GAUGES)) {
    const value = machine.get(name) * 0.9 + usual * 0.1 + (random() - 0.5) * Math.min(usual, 14)
    machine.set(name, Math.min(Math.max(value, 0), 100))
    entries.push({ channel: `gauge:${name}`, message: Math.round(machine.get(name)) })
  }
  return entries
}

async function publishTurn () {
  for (const result of await app.channels.publishAll(turn())) if ('error' in result) app.log.error(result.error)
}

// About a minute that has passed already, so that the first page has something to draw.
for (let past = 0; past < 130; past++) await publishTurn()
const timer = setInterval(() => { publishTurn().catch((error) => { app.log.error(error) }) }, TURN_MS)
app.addHook('onClose', async () => { clearInterval(timer) })

const address = await app.listen({ port: Number(process.env.PORT ?? 3000), host: process.env.HOST ?? '127.0.0.1' })
console.log(`Dashboard: open ${address} and the network panel of the browser, which shows one WebSocket`)
