import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'

/** Passes connections on to a URL's port, what is sent and each end `ms` milliseconds later. Resolves with the URL to use instead. */
export async function delayed (t: Test, url: string, ms: number): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(new URL(url).port), '127.0.0.1')
    for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
      sockets.add(from)
      from.on('data', (bytes) => { setTimeout(() => { if (to.writable) to.write(bytes) }, ms) })
      from.on('end', () => { setTimeout(() => { to.end() }, ms) })
      from.on('error', () => undefined).on('close', () => {
        sockets.delete(from)
        setTimeout(() => { to.destroy() }, ms)
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
