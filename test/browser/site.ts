import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { port } from '../helper.js'

/** A web site with one page; all other paths, and WebSockets, it passes on to the service, as a proxy would. */
export class Site {
  /** Whether WebSockets get through. */
  upgrades = true
  readonly #server: Server
  readonly #sockets = new Set<Duplex>()
  readonly #stalls = new Set<() => void>()

  private constructor (server: Server) {
    this.#server = server
  }

  static async start (t: Test, html: string, service?: FastifyInstance, headers: Record<string, string> = {}): Promise<Site> {
    const server = createServer()
    const site = new Site(server)
    server.on('request', (incoming, outgoing) => {
      if (incoming.url === '/') { outgoing.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...headers }).end(html); return }
      if (service === undefined) { outgoing.writeHead(404).end(); return }
      const { url, method } = incoming
      const forwarded = request({ host: '127.0.0.1', port: port(service), path: url, method, headers: incoming.headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.on('error', () => outgoing.destroy()).pipe(outgoing)
        outgoing.on('close', () => { answer.destroy() })
        outgoing.flushHeaders()
      })
      forwarded.on('error', () => { outgoing.destroy() })
      incoming.pipe(forwarded)
    })
    server.on('upgrade', (incoming, socket, head) => {
      if (!site.upgrades || service === undefined) { socket.destroy(); return }
      const upstream: Socket = connect(port(service), '127.0.0.1', () => {
        upstream.write(`GET ${incoming.url ?? ''} HTTP/1.1\r\n${incoming.rawHeaders.map((text, index) => text + (index % 2 ? '\r\n' : ': ')).join('')}\r\n`)
        upstream.write(head)
        upstream.pipe(socket).pipe(upstream)
        site.#stalls.add(() => { upstream.unpipe(socket) })
      })
      for (const [end, other] of [[upstream, socket], [socket, upstream]] as const) {
        end.on('error', () => undefined).on('close', () => { other.destroy() })
      }
    })
    server.on('connection', (socket) => {
      site.#sockets.add(socket)
      socket.on('close', () => { site.#sockets.delete(socket) })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => {
      server.close()
      site.cut()
    })
    return site
  }

  get url (): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Stops forwarding to the browsers on the present WebSockets, which stay open. */
  stall (): void {
    for (const stall of this.#stalls) stall()
  }

  /** Ends every connection without a word. */
  cut (): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}
