// The service's plugin in a process that can be asked, over IPC, what it holds after garbage collection. Needs --expose-gc.
//   'sample'            answers { heapBytes, residentBytes, channels, connections, timers }
//   { publish, from }   publishes to that many channels, each its own, once each; answers { seconds }
//   { kept: names }     answers how many of these channels still have a message
import Fastify from 'fastify'
import messenger from '../../dist/src/index.js'

const COLLECTIONS = 4
const app = Fastify()
// All of the load comes from a few addresses, and as fast as it can.
await app.register(messenger, { token: process.env.BEARER_TOKEN, maxSubscribesPerSecond: 1_000_000, maxSubscriptionsPerAddress: 1_000_000 })
await app.listen({ port: Number(process.env.PORT), host: process.env.HOST })

process.on('disconnect', () => process.exit())
process.on('message', async (request) => {
  process.send(request === 'sample' ? await sample() : request.kept === undefined ? await publish(request) : await kept(request))
})

async function sample () {
  // Objects that are freed in one turn of the event loop may keep others alive until the next collection.
  for (let collection = 0; collection < COLLECTIONS; collection++) {
    globalThis.gc()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return {
    heapBytes: heapUsed + external,
    residentBytes: rss,
    channels: [...app.channels].length,
    connections: await new Promise((resolve) => app.server.getConnections((error, count) => resolve(count))),
    timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  }
}

async function publish ({ publish: count, from }) {
  const start = performance.now()
  const message = { text: 'x'.repeat(89) }
  for (let index = from; index < from + count; index++) {
    await app.channels.publish(`log-${index}`, message)
    // Timers and the collector get their turn, as they would between requests.
    if (index % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  return { seconds: (performance.now() - start) / 1_000 }
}

async function kept ({ kept: names }) {
  let count = 0
  for (const name of names) {
    const response = await app.inject({ url: `/${name}`, headers: { accept: 'application/json' } })
    const { messages } = response.json()
    if (messages === undefined) return { kept: undefined }
    if (messages.length > 0) count++
  }
  return { kept: count }
}
