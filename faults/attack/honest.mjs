// Those for whom the service is there: one publisher, and subscribers that are to have everything in order on the connection they have.
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { TOKEN } from './tokens.mjs'

const INTERVAL_MS = 20
const CHANNEL = 'honest'
const FROM = '127.0.1.1'

/** A subscriber on a WebSocket, as little of one as it takes. */
class Subscriber {
  last = 0
  lost = 0
  closed = false
  #rest = Buffer.alloc(0)

  async open (port) {
    const socket = this.socket = connect({ port, host: '127.0.0.1', localAddress: FROM })
    await once(socket, 'connect')
    socket.write(`GET /${CHANNEL} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`)
    const [head] = await once(socket, 'data')
    if (!head.includes(' 101 ')) throw new Error(`no WebSocket: ${head}`)
    socket.on('data', (data) => { this.#take(data) })
    socket.on('error', () => {}).on('close', () => { this.closed = true })
  }

  #take (data) {
    let bytes = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data])
    for (;;) {
      // Messages are short, so that a frame has two bytes of head, or four.
      const [opcode, length] = bytes
      const head = length === 126 ? 4 : 2
      const size = length === 126 && bytes.length >= 4 ? bytes.readUInt16BE(2) : length
      if (bytes.length < head || bytes.length < head + size) break
      if (opcode === 0x89) this.socket.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]))
      if (opcode === 0x88) this.closed = true
      if (opcode === 0x81 && size > 0) {
        const { message: { n } } = JSON.parse(bytes.subarray(head, head + size))
        this.lost += n - this.last - 1
        this.last = n
      }
      bytes = bytes.subarray(head + size)
    }
    this.#rest = bytes
  }
}

/** Publishes and subscribes until it is stopped. */
export async function startHonest (port, subscriberCount) {
  const agent = new Agent({ keepAlive: true, maxSockets: 4, localAddress: FROM })
  const subscribers = Array.from({ length: subscriberCount }, () => new Subscriber())
  await Promise.all(subscribers.map(async (subscriber) => { await subscriber.open(port) }))
  const latencies = []
  const failures = []
  let published = 0
  let running = true

  const publish = (n) => new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path: `/send/${CHANNEL}`, method: 'POST', agent, localAddress: FROM, timeout: 30_000, headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' } }, (incoming) => {
      incoming.resume().on('end', () => { resolve(incoming.statusCode) })
    })
    outgoing.on('error', reject).on('timeout', () => { outgoing.destroy(new Error('no answer in 30 s')) })
    outgoing.end(JSON.stringify({ message: { n } }))
  })

  const done = (async () => {
    while (running) {
      const started = performance.now()
      try {
        const status = await publish(published + 1)
        if (status !== 200) throw new Error(`status ${status}`)
        published++
        latencies.push(performance.now() - started)
      } catch (error) {
        failures.push(error.message)
      }
      await new Promise((resolve) => { setTimeout(resolve, Math.max(0, INTERVAL_MS - (performance.now() - started))) })
    }
  })()

  return {
    async stop () {
      running = false
      await done
      // The messages that were acknowledged last are under way.
      const isBehind = ({ last, closed }) => !closed && last < published
      for (let wait = 0; wait < 100 && subscribers.some(isBehind); wait++) await new Promise((resolve) => { setTimeout(resolve, 50) })
      latencies.sort((a, b) => a - b)
      const quantile = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? NaN
      for (const { socket } of subscribers) socket.destroy()
      agent.destroy()
      return {
        published,
        failures,
        p50: quantile(0.5),
        p99: quantile(0.99),
        max: quantile(1),
        lost: subscribers.reduce((sum, { lost, last }) => sum + lost + published - last, 0),
        closed: subscribers.filter(({ closed }) => closed).length
      }
    }
  }
}
