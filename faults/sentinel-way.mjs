import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { MASTER_NAME } from './redis-group.mjs'
import { Way } from './way.mjs'

const LOOPBACK = '127.0.0.1'

/**
 * The way of one instance to a master that Sentinels name. What the Sentinels say goes through relays that name the instance's own
 * links instead of the servers, so that these can fail for it alone. All ports have five digits: no length changes.
 */
export class SentinelWay extends Way {
  #relays = []
  #sockets = new Set()

  get url () {
    return `redis+sentinel://${this.#relays.map((relay) => `${LOOPBACK}:${relay.address().port}`).join(',')}/${MASTER_NAME}`
  }

  async open (createLink) {
    await super.open(createLink)
    for (const port of this.group.sentinelPorts) {
      const relay = createServer((client) => { this.#carry(client, port) }).listen(0, LOOPBACK)
      this.#relays.push(relay)
      await once(relay, 'listening')
    }
  }

  close () {
    for (const relay of this.#relays) relay.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #carry (client, port) {
    const sentinel = connect(port, LOOPBACK)
    for (const [socket, other] of [[client, sentinel], [sentinel, client]]) {
      this.#sockets.add(socket)
      socket.on('error', () => {}).on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
    client.on('data', (data) => { sentinel.write(data) })
    sentinel.on('data', (data) => { client.write(this.#translate(data.toString('latin1')), 'latin1') })
  }

  #translate (text) {
    const { ports, sentinelPorts } = this.group
    const own = new Map([
      ...ports.map((port, index) => [String(port), this.links[index].port]),
      ...sentinelPorts.map((port, index) => [String(port), this.#relays[index].address().port])
    ])
    return text.replace(/(?<!\d)\d{5}(?!\d)/g, (port) => String(own.get(port) ?? port))
  }
}
