import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Test } from 'tap'

interface Pair {
  readonly client: Socket
  readonly upstream: Socket
  /** The text that the client has sent. */
  sent: string
  stalled: boolean
}

/** A TCP proxy before a server, which can cut connections off so that neither side notices. */
export class Proxy {
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  #target: number | string
  /** Connections taken so far. */
  taken = 0
  /** Takes connections and answers none, like a machine that is gone. */
  deaf = false
  /** Chunks of clients that contain this text are dropped. */
  swallow: string | undefined
  /** The number of chunks dropped for that reason. */
  swallowed = 0

  constructor (target: number | string) {
    this.#target = target
    this.#server = createServer((client) => { this.#join(client) })
  }

  get port (): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url (): string {
    return `redis://127.0.0.1:${this.port}`
  }

  async listen (): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  /** Connections made from now on lead to another server. */
  retarget (target: number | string): void {
    this.#target = target
  }

  /** Drops all further data of the connections whose client sent a text; the connections stay open. */
  stall (sent = ''): number {
    const pairs = [...this.#pairs].filter((pair) => pair.sent.includes(sent))
    for (const pair of pairs) pair.stalled = true
    return pairs.length
  }

  /** Says something to the server as if it were the client that sent a text. */
  inject (sent: string, command: string): void {
    for (const pair of this.#pairs) if (pair.sent.includes(sent)) pair.upstream.write(command)
  }

  /** Says something to the clients that sent a text as if it were the server. */
  tell (sent: string, answer: string): void {
    for (const pair of this.#pairs) if (pair.sent.includes(sent)) pair.client.write(answer)
  }

  /** Ends the connections whose client sent a text. */
  cut (sent = ''): number {
    const pairs = [...this.#pairs].filter((pair) => pair.sent.includes(sent))
    for (const { client, upstream } of pairs) {
      client.destroy()
      upstream.destroy()
    }
    return pairs.length
  }

  close (): void {
    this.cut()
    this.#server.close()
  }

  #join (client: Socket): void {
    const upstream = typeof this.#target === 'number' ? connect(this.#target, '127.0.0.1') : connect(this.#target)
    const pair: Pair = { client, upstream, sent: '', stalled: this.deaf }
    this.#pairs.add(pair)
    this.taken++
    client.on('data', (data) => {
      const text = data.toString('latin1').toLowerCase()
      pair.sent += text
      if (this.swallow !== undefined && text.includes(this.swallow)) this.swallowed++
      else if (!pair.stalled) upstream.write(data)
    })
    upstream.on('data', (data) => { if (!pair.stalled) client.write(data) })
    for (const [socket, other] of [[client, upstream], [upstream, client]] as const) {
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.#pairs.delete(pair)
        if (!pair.stalled || socket === client) other.destroy()
      })
    }
  }
}

/** Starts a proxy before a port or a unix socket; the end of the test ends it. */
export async function startProxy (t: Test, target: number | string): Promise<Proxy> {
  const proxy = new Proxy(target)
  await proxy.listen()
  t.teardown(() => { proxy.close() })
  return proxy
}
