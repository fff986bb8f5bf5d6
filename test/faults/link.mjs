import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { Pipe } from './pipe.mjs'

/** When a side that speaks into a black hole is told that the connection is lost, as TCP itself would find out. */
const TCP_TIMEOUT_MS = 8_000
const LOOPBACK = '127.0.0.1'

/** Ordinary networks differ, too: some connections are slower or split from the start. */
const PROFILES = { plain: 70, split: 15, latency: 15 }

/**
 * The network between one client and the service: a port to connect to, behind which connections are cut, stalled, delayed,
 * narrowed and split. Each client has its own, so that a fault hits whom it is meant for.
 */
export class Link {
  connections = new Set()
  /** Set: new connections are cut at once. */
  refuses = false
  /** Set: requests to upgrade are cut, as some firewalls do. */
  blocksUpgrades = false
  port = 0
  #server
  #count = 0
  #prng
  #upstream

  /** @param upstream names the port of the service for the next connection */
  constructor (prng, upstream) {
    this.#prng = prng
    this.#upstream = upstream
  }

  async open () {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => { this.#accept(client) })
    this.#server.listen(0, LOOPBACK)
    await once(this.#server, 'listening')
    this.port = this.#server.address().port
  }

  heal () {
    this.refuses = this.blocksUpgrades = false
    for (const connection of this.connections) connection.heal()
  }

  close () {
    this.#server.close()
    for (const connection of this.connections) connection.cut()
  }

  #accept (client) {
    if (this.refuses) { client.on('error', ignore).resetAndDestroy(); return }
    const connection = new Connection(client, this.#upstream(), this.#prng.fork(`connection ${this.#count++}`), this)
    this.connections.add(connection)
    client.once('close', () => { this.connections.delete(connection) })
  }
}

/** One TCP connection of a client, continued to the service. */
class Connection {
  /** The first segment of the path that was asked for: the channel. */
  path = ''
  #link
  #client
  #service
  #up
  #down
  #onCut

  constructor (client, port, prng, link) {
    this.#link = link
    this.#client = client.on('error', ignore)
    this.#service = connect({ port, host: LOOPBACK, allowHalfOpen: true, noDelay: true }).on('error', ignore)
    const cut = () => {
      this.cut()
      this.#onCut?.()
    }
    this.#up = new Pipe(prng.fork('up'), cut)
    this.#down = new Pipe(prng.fork('down'), cut)
    this.#impair(prng)
    void this.#up.run(client, this.#service, (chunk) => { this.#inspect(chunk) })
    void this.#down.run(this.#service, client)
  }

  /** Ends both sides: with a reset, without a word to what is on its way, or in good order. */
  cut (how = 'reset') {
    for (const socket of [this.#client, this.#service]) {
      if (how === 'end') socket.end()
      else if (how === 'reset') socket.resetAndDestroy()
      else socket.destroy()
    }
  }

  /** Cuts once so many more bytes of the service have passed, which may be in the middle of a message. */
  cutAfter (bytes, onCut) {
    this.#onCut = onCut
    this.#down.limit = bytes
  }

  /** Half-open from now on: what either side sends is lost, and neither is told. */
  stall () {
    this.#up.blackHole = this.#down.blackHole = true
    const timeout = setTimeout(() => { this.cut() }, TCP_TIMEOUT_MS)
    this.#service.once('close', () => { clearTimeout(timeout) })
  }

  freeze () {
    this.#up.freeze()
    this.#down.freeze()
  }

  /** Changes what an ordinary network is free to do: `latencyMs` and `splitBytes` both ways, `bytesPerSecond` to the client. */
  worsen ({ latencyMs, splitBytes, bytesPerSecond }) {
    for (const pipe of [this.#up, this.#down]) {
      if (latencyMs !== undefined) pipe.latencyMs = latencyMs
      if (splitBytes !== undefined) pipe.splitBytes = splitBytes
    }
    if (bytesPerSecond !== undefined) this.#down.bytesPerSecond = bytesPerSecond
  }

  heal () {
    this.#up.heal()
    this.#down.heal()
  }

  #impair (prng) {
    const profile = prng.weighted(PROFILES)
    if (profile === 'split') this.worsen({ splitBytes: prng.integer(16, 512) })
    if (profile === 'latency') this.worsen({ latencyMs: prng.integer(1, 20) })
  }

  #inspect (chunk) {
    if (this.path !== '') return
    const head = chunk.toString('latin1')
    this.path = /^[A-Z]+ \/([^/? ]*)/.exec(head)?.[1] ?? '?'
    if (this.#link.blocksUpgrades && /^upgrade: websocket/im.test(head)) this.cut()
  }
}

function ignore () {}
