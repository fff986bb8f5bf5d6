import { once } from 'node:events'
import { createServer } from 'node:net'

const LOOPBACK = '127.0.0.1'
const FIRST_PORT = 10_000
const PORTS = 20_000

/**
 * A port that is free now and that no outgoing connection takes while its server is down: systems draw theirs from higher
 * ones. A server keeps it over its restarts, as one behind a fixed name would.
 */
export async function freePort () {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS)
    const server = createServer().listen(port, LOOPBACK)
    try {
      await once(server, 'listening')
      server.close()
      await once(server, 'close')
      return port
    } catch (error) {
      if (error.code !== 'EADDRINUSE') throw error
    }
  }
}
