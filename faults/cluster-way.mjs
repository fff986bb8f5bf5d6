const LOOPBACK = '127.0.0.1'
/** An address, as nodes give it in CLUSTER SLOTS and where they lead a client on. */
const ADDRESS = /(127\.0\.0\.1(?::|\r\n:))(\d{5})(?!\d)/g

/**
 * The way of one instance to a cluster. Nodes tell clients each other's addresses; the links name the instance's own links
 * instead, so that these can fail for it alone. All ports have five digits: no length changes.
 */
export class ClusterWay {
  #links = []
  #group

  constructor (group) {
    this.#group = group
  }

  get url () {
    return `redis+cluster://${this.#links.map(({ port }) => `${LOOPBACK}:${port}`).join(',')}`
  }

  get connections () {
    return this.#links.flatMap(({ connections }) => [...connections])
  }

  set refuses (value) {
    for (const link of this.#links) link.refuses = value
  }

  set swallows (value) {
    for (const link of this.#links) link.swallows = value
  }

  /** @param createLink makes a link to a port, and changes what comes back with the function that it is given */
  async open (createLink) {
    for (const port of this.#group.ports) this.#links.push(await createLink(port, (chunk) => this.#translate(chunk)))
  }

  /** The links are closed where they were made. */
  close () {}

  #translate (chunk) {
    if (!chunk.includes(LOOPBACK)) return chunk
    const { ports } = this.#group
    const own = new Map(this.#links.map((link, index) => [String(ports[index]), link.port]))
    return Buffer.from(chunk.toString('latin1').replace(ADDRESS, (_, before, port) => `${before}${own.get(port) ?? port}`), 'latin1')
  }
}
