import { Way } from './way.mjs'

const LOOPBACK = '127.0.0.1'
/** An address, as nodes give it in CLUSTER SLOTS and where they lead a client on. */
const ADDRESS = /(127\.0\.0\.1(?::|\r\n:))(\d{5})(?!\d)/g

/**
 * The way of one instance to a cluster. Nodes tell clients each other's addresses; the links name the instance's own links
 * instead, so that these can fail for it alone. All ports have five digits: no length changes.
 */
export class ClusterWay extends Way {
  get url () {
    return `redis+cluster://${this.links.map(({ port }) => `${LOOPBACK}:${port}`).join(',')}`
  }

  async open (createLink) {
    await super.open(createLink, (chunk) => this.#translate(chunk))
  }

  /** The links are closed where they were made. */
  close () {}

  #translate (chunk) {
    if (!chunk.includes(LOOPBACK)) return chunk
    const { ports } = this.group
    const own = new Map(this.links.map((link, index) => [String(ports[index]), link.port]))
    return Buffer.from(chunk.toString('latin1').replace(ADDRESS, (_, before, port) => `${before}${own.get(port) ?? port}`), 'latin1')
  }
}
