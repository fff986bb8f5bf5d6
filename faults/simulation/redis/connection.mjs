/** One direction of a connection: what is sent arrives in order, each thing later than it was sent. */
class Lane {
  /** Nothing arrives before. */
  stalledUntil = 0
  #clock
  #owner
  #latency
  #arrive
  #items = []
  #task

  constructor (clock, owner, latency, arrive) {
    this.#clock = clock
    this.#owner = owner
    this.#latency = latency
    this.#arrive = arrive
  }

  send (item) {
    const last = this.#items.at(-1)
    // Data that is sent while earlier data is under way may arrive together with it.
    const at = Math.max(this.#clock.now + this.#latency(), last?.at ?? 0)
    this.#items.push({ at, item })
    if (this.#task === undefined) this.#schedule()
  }

  /** Loses all data that is under way. */
  drop () {
    this.#items = []
    if (this.#task) this.#task.cancelled = true
    this.#task = undefined
  }

  stall (until) {
    this.stalledUntil = Math.max(this.stalledUntil, until)
  }

  #schedule () {
    this.#task = this.#clock.at(Math.max(this.#items[0].at, this.stalledUntil), this.#owner, () => {
      this.#task = undefined
      if (this.stalledUntil <= this.#clock.now) {
        while (this.#items.length > 0 && this.#items[0].at <= this.#clock.now) this.#arrive(this.#items.shift().item)
      }
      if (this.#items.length > 0 && this.#task === undefined) this.#schedule()
    })
  }
}

/** A connection between a client and a host. */
export class Connection {
  subscriptions = new Set()
  /** Commands that wait for the end of WAIT. */
  queue = []
  blocked = false
  /** Writes of the server when this connection wrote last. */
  written = 0
  /** The host has ended it. */
  closed = false
  client
  #host
  #toHost
  #toClient

  /** @param client gets `onAnswer(command, error, value)`, `onPush(type, name, text)`, `onClose()` */
  constructor (clock, random, host, client) {
    this.#host = host
    this.client = client
    const base = random.pick([0.2, 0.2, 1, 4])
    const latency = () => base * (0.5 + random.next()) + (random.chance(0.03) ? random.next() * 30 : 0)
    this.#toHost = new Lane(clock, undefined, latency, (command) => {
      if (command === undefined) this.close(false)
      else host.receive(this, command)
    })
    this.#toClient = new Lane(clock, client.owner, latency, (item) => { item(client) })
    host.connections.add(this)
  }

  send (command) {
    this.#toHost.send(command)
  }

  /** The client says that it sends nothing more; the host then ends the connection. */
  finish () {
    this.#toHost.send(undefined)
  }

  answer (command, error, value) {
    if (!this.closed) this.#toClient.send((client) => { client.onAnswer(this, command, error, value) })
  }

  push (type, name, text) {
    if (!this.closed) this.#toClient.send((client) => { client.onPush(this, type, name, text) })
  }

  /** The host ends it; with `silent` nobody learns of that. */
  close (silent) {
    if (this.closed) return
    this.closed = true
    this.#host.connections.delete(this)
    this.#toHost.drop()
    if (silent) this.#toClient.drop()
    else this.#toClient.send((client) => { client.onClose(this) })
  }

  /** The client is gone without a word: what it sent may still arrive. */
  abandon () {
    this.#toClient.drop()
    this.#toHost.send(undefined)
  }

  /** The way breaks: what was on its way is lost, and both sides learn of it unless `silent`. */
  cut (silent, lostAnswers) {
    if (lostAnswers) this.#toClient.drop()
    this.close(silent)
  }

  stall (direction, until) {
    if (direction !== 'answers') this.#toHost.stall(until)
    if (direction !== 'commands') this.#toClient.stall(until)
  }
}
