import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { Pipe } from './pipe.mjs'

/** When a side that speaks into a black hole is told that the connection is lost, as TCP itself would find out. */
const TCP_TIMEOUT_MS = 8_000
const LOOPBACK = '127.0.0.1'

/** Ordinary networks differ, too: some connections are slower or split from the start. */
const PROFILES = { plain: 70, split: 15, latency: 15 }

/**
 * The network between one client and a server: a port to connect to, behind which connections are cut, stalled, delayed,
 * narrowed and split. Each client has its own, so that a fault hits whom it is meant for. With several servers it is also the
 * balancer before them: every connection goes to the next one, or to another when that one does not accept it.
 */
export class Link {
  connections = new Set()
  /** Set: new connections are cut at once. */
  refuses = false
  /** Set: requests to upgrade are cut, as some firewalls do. */
  blocksUpgrades = false
  /** Set: new connections are half-open from the start. */
  swallows = false
  port = 0
  #server
  #count = 0
  #prng
  #upstreams
  #profiles
  #translate
  #first

  /**
   * @param upstreams names the ports of the servers
   * @param profiles what an ordinary connection is like, by weight
   * @param translate changes what a server says
   */
  constructor (prng, upstreams, { profiles = PROFILES, translate } = {}) {
    this.#prng = prng
    this.#upstreams = upstreams
    this.#profiles = profiles
    this.#translate = translate
    this.#first = prng.fork('first server').integer(0, 0xffff)
  }

  async open () {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => { this.#accept(client) })
    this.#server.listen(0, LOOPBACK)
    await once(this.#server, 'listening')
    this.port = this.#server.address().port
  }

  get translate () {
    return this.#translate
  }

  /** The port of the server that a client's socket with this local port is connected to. */
  serverOf (localPort) {
    return [...this.connections].find(({ clientPort }) => clientPort === localPort)?.port
  }

  heal () {
    this.refuses = this.blocksUpgrades = this.swallows = false
    for (const connection of this.connections) connection.heal()
  }

  close () {
    this.#server.close()
    for (const connection of this.connections) connection.cut()
  }

  #accept (client) {
    if (this.refuses) { client.on('error', ignore).resetAndDestroy(); return }
    const prng = this.#prng.fork(`connection ${this.#count}`)
    const connection = new Connection(client, this.#portsInTurn(), prng, prng.weighted(this.#profiles), this)
    this.connections.add(connection)
    client.once('close', () => { this.connections.delete(connection) })
    if (this.swallows) connection.stall()
  }

  /** The servers' ports, beginning with the one whose turn it is. */
  #portsInTurn () {
    const ports = this.#upstreams()
    const first = (this.#first + this.#count++) % ports.length
    return [...ports.slice(first), ...ports.slice(0, first)]
  }
}

/** One TCP connection of a client, continued to a server. */
class Connection {
  /** The first segment of the path that was asked for: the channel. */
  path = ''
  /** The server's. */
  port
  clientPort
  #link
  #client
  #service
  #up
  #down
  #onCut

  constructor (client, ports, prng, profile, link) {
    this.#link = link
    this.#client = client.on('error', ignore)
    this.clientPort = client.remotePort
    const cut = () => {
      this.cut()
      this.#onCut?.()
    }
    this.#up = new Pipe(prng.fork('up'), cut)
    this.#down = new Pipe(prng.fork('down'), cut)
    this.#impair(profile, prng)
    this.#reach(ports)
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

  /** Connects to the first server that accepts. */
  #reach ([port, ...others]) {
    this.port = port
    const service = this.#service = connect({ port, host: LOOPBACK, allowHalfOpen: true, noDelay: true }).on('error', ignore)
    if (others.length === 0) { this.#run(); return }
    const next = () => { if (!this.#client.destroyed) this.#reach(others) }
    service.once('error', next).once('connect', () => {
      service.off('error', next)
      this.#run()
    })
  }

  #run () {
    void this.#up.run(this.#client, this.#service, (chunk) => this.#inspect(chunk))
    void this.#down.run(this.#service, this.#client, this.#link.translate)
  }

  #impair (profile, prng) {
    if (profile === 'split') this.worsen({ splitBytes: prng.integer(16, 512) })
    if (profile === 'latency') this.worsen({ latencyMs: prng.integer(1, 20) })
  }

  #inspect (chunk) {
    if (this.path !== '') return chunk
    const head = chunk.toString('latin1')
    this.path = /^[A-Z]+ \/([^/? ]*)/.exec(head)?.[1] ?? '?'
    if (this.#link.blocksUpgrades && /^upgrade: websocket/im.test(head)) this.cut()
    return chunk
  }
}

function ignore () {}
