import './clock.mjs'
import { RedisBroker } from '../../dist/src/brokers/redis/redis.js'
import { Hub } from '../../dist/src/channels/hub.js'
import { ChannelNames } from '../../dist/src/channels/name.js'
import { Publisher } from '../../dist/src/channels/publisher.js'
import { Subscriber } from '../../dist/src/channels/subscriber.js'
import { Owner } from './clock.mjs'
import { Random } from './random.mjs'
import { FakeClient } from './redis/client.mjs'

/** Shorter than those of production, in about the same proportions. */
const TIMINGS = {
  commandMs: 200, checkMs: 250, auditMs: 700, reportMs: 1e9, nodeTtlMs: 1e9, barrierMs: 550, witnessMs: 60, maxBackoffMs: 60
}
const MESSAGE = /"message":"(\w+)"/
/** More than a replay writes before it waits, less than what makes a subscriber too slow. */
const SLOW_BYTES = 70_000

/** An instance of the service: the real hub with the real broker, on connections to the model of Redis. */
export class Instance {
  name
  owner
  hub
  publisher
  /** Its connections to Redis: commands, then notifications. */
  clients = []
  ended = false
  /** When it compared what it had acknowledged, each time with the server of the term. */
  comparisons = []
  /** Whether its absence from the register would show, as far as it was told. */
  safe = false
  /** Whether it is safe because every replica has its registration, and perhaps for no other reason. */
  onReplicas = false
  /** Reads of logs so far. */
  reads = 0
  /** The server to whose logs it was admitted last, or is about to be. */
  server
  #world
  #id

  constructor (world, slot, number) {
    this.#world = world
    this.name = `instance ${slot}.${number}`
    this.owner = new Owner(new Random(world.seed, slot, number, 0x1457))
    const { size } = world.setup
    const redis = new FakeClient(world, this)
    world.clock.enter(this.owner, () => {
      this.hub = new Hub((receiver) => new RedisBroker(receiver, { redis, keyPrefix: '', size, ttlMs: 86_400_000, timings: TIMINGS }), {
        maxBufferedBytes: 1e6,
        maxChannels: 100,
        counters: { hit () {} },
        onAnnouncement () {},
        onStatus: ({ ready, reason }) => {
          world.note(() => `${this.name} ${ready ? 'READY' : reason}`)
        },
        onLog () {},
        pingIntervalMs: 1e9,
        drainMs: 100
      })
      this.publisher = new Publisher(this.hub, { names: new ChannelNames(new Set()), maxMessageBytes: 1_000 })
    })
  }

  get alive () {
    return !this.ended && !this.hub.closing
  }

  get ready () {
    return this.alive && this.hub.ready
  }

  /** Follows what the register says about this instance, as the instance itself does. */
  answered (name, value, args) {
    if (name === 'messengerJoin' && value[0] === 'joined') {
      const [[, term], [, id]] = [args, value]
      this.server = serverOf(term)
      this.comparisons.push({ at: this.#world.clock.now, server: this.server, id, term })
      if (id === this.#id) return
      this.#id = id
      this.safe = this.onReplicas = false
    } else if (name === 'messengerWitness' && String(args[3]) === '1') {
      this.onReplicas = true
    } else if (name === 'messengerLook') {
      const at = value.indexOf(this.#id, 2)
      if (at > 0 && value[at + 2] === '1') this.safe = true
      // Back at the server of an earlier admission, it goes on under that.
      if (at > 0 && value[1] === 1 && value[at + 1] === value[0]) this.server = serverOf(value[0])
    }
  }

  /** Ends at once, without a word. */
  crash () {
    this.ended = true
    this.owner.dead = true
    for (const { connection } of this.clients) connection?.abandon?.()
  }

  /** Ends as it does on SIGTERM. */
  close () {
    this.#world.clock.enter(this.owner, () => {
      void this.hub.close().then(() => { this.crash() })
    })
  }
}

/** Digits of a term that name its server; behind them is the number of a term that the server began again. */
const SERVER_DIGITS = 12
const serverOf = (term) => term.slice(0, SERVER_DIGITS)

/** Every transport shares what it encodes; here nothing has to be. */
const encode = (envelopes) => envelopes

/** The end of a client's connection in an instance. What is written may be on its way for a while, and lost with the connection. */
export class FakeSubscriber extends Subscriber {
  instance
  open = true
  slow = false
  /** Whether a client without events is known to stand somewhere. */
  joined = false
  #world
  #client
  #laggy
  #onWay = []

  constructor (world, instance, client, laggy) {
    super(encode)
    this.instance = instance
    this.#world = world
    this.#client = client
    this.#laggy = laggy
  }

  get unsentBytes () {
    return this.slow ? SLOW_BYTES : 0
  }

  isOpen () {
    return this.open
  }

  write (envelopes) {
    if (!this.open) return
    if (!this.#client.events && !this.joined) {
      const [, epoch, offset] = /^(.+):(\d+)$/.exec(envelopes[0].id)
      this.join({ epoch, offset: offset - 1 })
    }
    for (const { id, text } of envelopes) this.#hand(() => { this.#client.message(id, MESSAGE.exec(text)?.[1]) })
  }

  async drained () {
    await new Promise((resolve) => { this.#world.clock.after(this.instance.owner.random.time(1, 300), this.instance.owner, resolve) })
  }

  announce (standing) {
    if (this.#client.events && this.open) this.#hand(() => { this.#client.subscribed(standing) })
    return this.#client.events
  }

  signal () {}
  beat () {}

  close (code, reason) {
    if (!this.open) return
    this.open = false
    this.arrive()
    this.#world.closed(this.#client, this, `${code} ${reason}`)
  }

  terminate () {
    this.close(1006, 'terminated')
  }

  /** A client without events hears what comes after this position. */
  join (position) {
    if (this.joined) return
    this.joined = true
    this.#hand(() => { this.#client.joined(position) })
  }

  /** The connection is cut by the client, the way or the end of the instance; the last of what is on its way is lost. */
  cut (lost) {
    if (!this.open) return
    this.open = false
    this.#onWay.length = Math.max(0, this.#onWay.length - lost)
    this.arrive()
  }

  /** Delivers everything that is under way. */
  arrive () {
    for (const take of this.#onWay.splice(0)) take()
  }

  #hand (take) {
    if (!this.#laggy) { take(); return }
    this.#onWay.push(take)
    if (this.#onWay.length > 4) this.#onWay.shift()()
  }
}
