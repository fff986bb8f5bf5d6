import { start } from '../../dist/src/server.js'

// The service as a process of its own, as it is built, for tests that attack it: it tells over its IPC channel what it holds.
const app = await start(process.env)

async function holdings () {
  const connections = await new Promise((resolve) => { app.server.getConnections((_error, count) => { resolve(count) }) })
  return {
    connections,
    channels: [...app.channels].length,
    resources: process.getActiveResourcesInfo().length,
    heap: process.memoryUsage().heapUsed,
    unsent
  }
}

// The most that any connection had to send, looked at often enough to see what piles up.
let unsent = 0
const sockets = new Set()
app.server.on('connection', (socket) => {
  sockets.add(socket)
  socket.on('close', () => { sockets.delete(socket) })
})
setInterval(() => { for (const { writableLength } of sockets) unsent = Math.max(unsent, writableLength) }, 5).unref()

async function obey (order) {
  if (order === 'end') {
    await app.close()
    process.disconnect()
    return
  }
  if (order === 'collect') globalThis.gc()
  process.send(await holdings())
}

process.on('message', (order) => { void obey(order) })
process.send(app.server.address().port)
