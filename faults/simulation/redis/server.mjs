import * as log from './log-scripts.mjs'
import * as register from './register-scripts.mjs'

/** Digits of `master_replid` that a term is made of. */
const TERM_DIGITS = 12

/** An error that a server answers. */
export class Refusal extends Error {}

/** The term that a server is in: one that an instance has begun, the recorded one, or its own. */
export function currentTerm (server, recorded, open) {
  let current = server.term
  for (const name of [recorded, open]) if (name?.slice(0, TERM_DIGITS) === server.term) current = name
  return current
}

/** The scripts by the names under which src/brokers/redis/connection/connection.ts defines them. */
const SCRIPTS = {
  messengerPublish: log.publish,
  messengerRead: log.read,
  messengerVerify: log.verify,
  messengerTouch: log.touch,
  messengerJoin: register.join,
  messengerDecide: register.decide,
  messengerLook: register.look,
  messengerWitness: register.witness,
  messengerLeave: register.leave
}

/** Numbers are sent as text. */
const sent = (value) => typeof value === 'number' ? String(value) : value

const joinOf = (id, term) => `join ${id} ${term}`

/** The data of a Redis server, and what the scripts do to it. What it has is a beginning and the writes since then. */
export class Server {
  role = 'master'
  replid
  /** The hosts that replicate this server; `applied` is how many of its writes each one has. */
  replicas = []
  /** Called with what is announced to subscribers: type, name, text. */
  onAnnounce = () => {}
  /** Called when an epoch of a log begins: key, epoch, the epoch before, its last offset. */
  onEpoch = () => {}
  onAppend = () => {}
  #clock
  #data = new Map()
  #base = new Map()
  /** Every script that wrote something: what is set and what is announced, as one step. */
  #writes = []
  #step

  /** @param clock gives milliseconds since 1970 */
  constructor (clock, replid) {
    this.#clock = clock
    this.replid = replid
  }

  get term () {
    return this.replid.slice(0, TERM_DIGITS)
  }

  get milliseconds () {
    return Math.floor(this.#clock())
  }

  get seconds () {
    return Math.floor(this.#clock() / 1000)
  }

  get writes () {
    return this.#writes.length
  }

  /** Runs a command; throws a {@link Refusal} for an error. */
  execute (name, args) {
    this.#step = undefined
    const script = SCRIPTS[name]
    if (script !== undefined) {
      const answer = script(this, ...args.map(sent))
      if (name === 'messengerJoin' && answer[0] === 'joined') this.set(joinOf(answer[1], args[1]), true)
      return answer
    }
    switch (name) {
      case 'ping': return 'PONG'
      case 'info': return this.info
      case 'zrange': return []
      case 'publish': this.announce('message', ...args); return 1
      default: throw new Refusal(`ERR unknown command '${name}'`)
    }
  }

  get info () {
    return [
      `role:${this.role === 'master' ? 'master' : 'slave'}`,
      `connected_slaves:${this.replicas.length}`,
      ...this.replicas.map(({ applied }, index) => `slave${index}:state=online,offset=${applied},lag=0`),
      `master_replid:${this.replid}`,
      `master_repl_offset:${this.writes}`,
      ''
    ].join('\r\n')
  }

  assertMaster () {
    if (this.role !== 'master') throw new Refusal('READONLY this server is a replica')
  }

  get (key) {
    return this.#data.get(key)
  }

  /** Whether these data contain a JOIN, and thereby what its instance had written before. */
  hasJoin ({ id, term }) {
    return this.#data.has(joinOf(id, term))
  }

  set (key, value) {
    this.#data.set(key, value)
    this.#stepOf().sets.push(key, value)
  }

  announce (type, name, text) {
    this.#stepOf().announcements.push([type, name, text])
    this.onAnnounce(type, name, text)
  }

  /** The writes that a replica of this server applies, from a number of writes on. */
  since (count) {
    return this.#writes.slice(count)
  }

  /** Applies what its master wrote. */
  apply (step) {
    for (let index = 0; index < step.sets.length; index += 2) this.#data.set(step.sets[index], step.sets[index + 1])
    this.#writes.push(step)
    for (const announcement of step.announcements) this.onAnnounce(...announcement)
  }

  /** Takes over all that another server has. */
  copy (other) {
    this.#data = new Map(other.#data)
    this.#base = new Map(other.#data)
    this.#writes = []
  }

  /**
   * Comes back with the first so many writes of those since it began; `undefined` is all, -1 not even what it began with. A later restart
   * may lose more than what came after this one: what is read from a file may not be on the disk yet.
   */
  restart (replid, count = this.#writes.length) {
    if (count < 0) this.#base.clear()
    this.#writes.length = Math.max(0, count)
    this.#data = new Map(this.#base)
    for (const { sets } of this.#writes) {
      for (let index = 0; index < sets.length; index += 2) this.#data.set(sets[index], sets[index + 1])
    }
    this.role = 'master'
    this.replid = replid
    this.replicas = []
  }

  #stepOf () {
    if (this.#step === undefined) this.#writes.push(this.#step = { sets: [], announcements: [] })
    return this.#step
  }
}
