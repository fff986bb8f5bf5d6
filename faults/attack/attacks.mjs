// The attacks. Each is one round, from addresses of its own; it holds the connections that it leaves open for a while.
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { TOKEN_SECRET, jwt } from './tokens.mjs'

const HOLD_MS = 4_000
const KEY = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
const UPGRADE = `Connection: Upgrade\r\nUpgrade: websocket\r\n${KEY}`
const BIG = 'big'

let addresses = 0

/** A client of 127.2.0.0/16 that says what it likes. */
class Attacker {
  #sockets = []

  constructor (port, address = `127.2.${Math.floor(addresses / 250) % 250}.${1 + addresses++ % 250}`) {
    this.port = port
    this.address = address
  }

  async open (rcvbuf = true) {
    const socket = connect({ port: this.port, host: '127.0.0.1', localAddress: this.address })
    socket.on('error', () => {})
    if (rcvbuf) socket.pause()
    else socket.resume()
    this.#sockets.push(socket)
    await new Promise((resolve) => { socket.once('connect', resolve).once('close', resolve) })
    return socket
  }

  async hold (ms = HOLD_MS) {
    await new Promise((resolve) => { setTimeout(resolve, ms) })
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Sends a request whole, and waits a moment for the answer, whatever it is. */
  async send (head, body = Buffer.alloc(0)) {
    const socket = await this.open(false)
    socket.write(head)
    socket.write(body)
    await new Promise((resolve) => {
      socket.once('data', resolve).once('close', resolve)
      setTimeout(resolve, 10_000).unref()
    })
    socket.destroy()
  }
}

function get (path, headers = '') {
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}\r\n`
}

function post (path, token, length) {
  const size = length === undefined ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`
  return `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n${size}\r\n\r\n`
}

const subscriber = () => jwt({ subscribe: ['*'] })
const publisher = () => jwt({ send: ['*'] })
const times = async (count, task) => { for (let round = 0; round < count; round++) await task(round) }

async function send (attacker, path, token, body) {
  await attacker.send(post(path, token, body.length), body)
}

export const attacks = {
  async 'a batch of millions of entries that are none' (port) {
    const body = Buffer.from(`{"messages":[${'0,'.repeat(8_000_000)}0]}`)
    for (const token of [subscriber(), publisher()]) await send(new Attacker(port), '/send', token, body)
  },
  async 'bodies of deep, wide and odd JSON' (port) {
    const bodies = ['['.repeat(8_000_000), `{"x":[${'{},'.repeat(4_000_000)}0]}`, `{${'"a":0,'.repeat(2_000_000)}"b":0}`, `{"messages":[{"channel":${'['.repeat(4_000_000)}`]
    for (const text of bodies) await send(new Attacker(port), '/send', publisher(), Buffer.from(text))
  },
  async 'bodies that never end' (port) {
    const body = Buffer.alloc(16_600_000, 32)
    await Promise.all(Array.from({ length: 20 }, async () => {
      const attacker = new Attacker(port)
      const socket = await attacker.open(false)
      socket.write(post('/send', publisher(), 16_700_000))
      socket.write(body)
      await attacker.hold()
    }))
  },
  async 'bodies of one byte a chunk' (port) {
    const chunks = Buffer.from('1\r\n \r\n'.repeat(300_000))
    await Promise.all(Array.from({ length: 10 }, async () => {
      const attacker = new Attacker(port)
      const socket = await attacker.open(false)
      socket.write(post('/send', publisher()))
      socket.write(chunks)
      await attacker.hold()
    }))
  },
  async 'short messages in long bodies' (port) {
    const body = Buffer.from(`{"channels":["padded"],"message":"twenty characters ..","padding":"${'x'.repeat(15_000_000)}"}`)
    await times(5, async () => { await send(new Attacker(port), '/send', publisher(), body) })
  },
  async 'batches over the rate of their publisher' (port) {
    const token = jwt({ send: ['*'], sub: 'fast' })
    const body = Buffer.from(JSON.stringify({ messages: Array.from({ length: 1_000 }, (_, index) => ({ channel: `c${index}`, message: 'x'.repeat(2_000) })) }))
    await times(30, async () => { await send(new Attacker(port), '/send', token, body) })
  },
  async 'streams and upgrades pipelined behind a long poll' (port) {
    await times(10, async () => {
      const attacker = new Attacker(port)
      const socket = await attacker.open()
      socket.write(get('/a?wait=60', 'Accept: application/json\r\n') + get('/a', 'Accept: text/event-stream\r\n').repeat(300) + get('/a', UPGRADE).repeat(3))
      await attacker.hold(500)
    })
  },
  async 'files pipelined behind a long poll' (port) {
    const attacker = new Attacker(port)
    const socket = await attacker.open()
    socket.write(get('/a?wait=60') + get('/client.js').repeat(200))
    await attacker.hold(500)
  },
  async 'connections that say nothing' (port) {
    const attacker = new Attacker(port)
    await Promise.all(Array.from({ length: 2_500 }, async () => { await attacker.open() }))
    await attacker.hold()
  },
  async 'answers that nobody reads' (port) {
    await fill(port)
    const attacker = new Attacker(port)
    await times(150, async () => { (await attacker.open()).write(get(`/${BIG}`)) })
    await attacker.hold()
  },
  async 'answers that nobody reads, pipelined' (port) {
    await fill(port)
    const attacker = new Attacker(port)
    ;(await attacker.open()).write(get(`/${BIG}`).repeat(500))
    await attacker.hold()
  },
  async 'replays that nobody reads' (port) {
    await fill(port)
    await Promise.all(['Accept: text/event-stream\r\n', 'Accept: application/x-ndjson\r\n', UPGRADE].map(async (headers) => {
      const attacker = new Attacker(port)
      await times(200, async () => { (await attacker.open()).write(get(`/${BIG}?since=earliest`, headers)) })
      await attacker.hold()
    }))
  },
  async 'messages that nobody reads' (port) {
    const attacker = new Attacker(port)
    await times(300, async () => { (await attacker.open()).write(get('/unread', UPGRADE)) })
    const body = Buffer.from(JSON.stringify({ messages: Array.from({ length: 200 }, () => ({ channel: 'unread', message: 'x'.repeat(60_000) })) }))
    await send(new Attacker(port), '/send', publisher(), body)
    await attacker.hold()
  },
  async 'many subscriptions from one address, and channels with long names in long URLs' (port) {
    const attacker = new Attacker(port)
    await times(1_200, async (index) => { (await attacker.open()).write(get(`/${'n'.repeat(90)}${index}?${'x'.repeat(4_000)}`, UPGRADE)) })
    await attacker.hold()
  },
  async 'made-up tokens' (port) {
    const attacker = new Attacker(port)
    const forged = `${jwt({ sub: 'x' }).slice(0, -4)}AAAA`
    await times(80, async () => { await attacker.send(get(`/room?token=${forged}`)) })
    await times(20, async () => { await send(new Attacker(port), '/send/room', `${TOKEN_SECRET}x`, Buffer.from('{"message":1}')) })
  },
  async 'frames of every kind' (port) {
    await times(50, async () => {
      const attacker = new Attacker(port)
      const socket = await attacker.open(false)
      socket.write(get('/room', UPGRADE))
      for (let frame = 0; frame < 200; frame++) socket.write(randomBytes(1 + frame))
      socket.write(Buffer.concat(Array.from({ length: 2_000 }, () => Buffer.from([0x89, 0x80, 0, 0, 0, 0]))))
      await attacker.hold(50)
    })
  },
  async 'requests that are none' (port) {
    const heads = ['\0'.repeat(1_000), 'GET / HTTP/9.9\r\n\r\n', `GET /${'%'.repeat(8_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(4_000)}`, 'POST /send HTTP/1.1\r\nContent-Length: -1\r\n\r\n', get('/room', `Accept: ${','.repeat(15_000)}\r\n`), get('/room', `Origin: https://${'a.'.repeat(7_000)}\r\n`), get('/room', `Cookie: ${'x'.repeat(20_000)}\r\n`)]
    for (const head of heads) await new Attacker(port).send(Buffer.concat([Buffer.from(head), randomBytes(100)]))
  },
  async 'resumes of everything that is kept' (port) {
    await fill(port)
    const attacker = new Attacker(port)
    await times(60, async () => { (await attacker.open(false)).write(get(`/${BIG}?since=earliest`, 'Accept: application/x-ndjson\r\n')) })
    await attacker.hold(1_000)
  },
  async 'requests to upgrade that are not finished' (port) {
    const attacker = new Attacker(port)
    await times(300, async () => { (await attacker.open()).write(get('/%E0%A4%A', UPGRADE)) })
    await attacker.hold()
  }
}

/** Has 6 MB kept that can be asked for. */
async function fill (port) {
  const body = Buffer.from(JSON.stringify({ messages: Array.from({ length: 100 }, () => ({ channel: BIG, message: 'x'.repeat(60_000) })) }))
  await send(new Attacker(port), '/send', publisher(), body)
}

