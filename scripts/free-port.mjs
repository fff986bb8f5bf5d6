import { once } from 'node:events'
import { createServer } from 'node:net'

const LOOPBACK = '127.0.0.1'
const FIRST_PORT = 10_000
const BLOCK_SIZE = 100
const BLOCKS = 200

/** The ports of this process that were not given out yet. */
let ports = []
let reserving

/**
 * A port that no other call gives out, in this process or in another one, and that no outgoing connection takes while its server is
 * down: systems draw theirs from higher ones. A server keeps it over its restarts, as one behind a fixed name would.
 */
export async function freePort () {
  for (;;) {
    while (ports.length === 0) await (reserving ??= reserveBlock().finally(() => { reserving = undefined }))
    const port = ports.shift()
    const server = await listen(port)
    if (server === undefined) continue
    server.close()
    await once(server, 'close')
    return port
  }
}

/** Reserves a block of ports for this process: it listens to the first one until it ends. */
async function reserveBlock () {
  for (;;) {
    const first = FIRST_PORT + BLOCK_SIZE * Math.floor(Math.random() * BLOCKS)
    const server = await listen(first)
    if (server === undefined) continue
    server.unref()
    ports = Array.from({ length: BLOCK_SIZE - 1 }, (_, index) => first + 1 + index)
    return
  }
}

/** Resolves with `undefined` where the port is in use. */
async function listen (port) {
  const server = createServer().listen(port, LOOPBACK)
  try {
    await once(server, 'listening')
    return server
  } catch (error) {
    if (error.code !== 'EADDRINUSE') throw error
  }
}
