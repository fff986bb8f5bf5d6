import { Gate } from './gate.mjs'
import { Link } from './link.mjs'
import { Oracle } from './oracle.mjs'
import { Publisher } from './publisher.mjs'
import { Recovery } from './recovery.mjs'
import { RedisGroup } from './redis-group.mjs'
import { RedisServer } from './redis.mjs'
import { SentinelWay } from './sentinel-way.mjs'
import { freePort, Service } from './service.mjs'
import { Subscriber, transportNames } from './subscriber.mjs'

const TOKEN = 'faults'
/** How long the readers that are not the client wait for a sign of life, in pings of one second. */
const SILENCE_MS = 2_500
const STOP_TIMEOUT_MS = 8_000
/** One publisher in so many sends several messages in a request. */
const BATCHES_EVERY = 4

/**
 * Channels and their share of the messages. The history is a second's worth of the busiest one and much longer for the others:
 * some who were away resume, others are told of a gap.
 */
export const CHANNELS = { busy: 70, brisk: 20, calm: 8, quiet: 2 }

const SERVICE_ENV = {
  BEARER_TOKEN: TOKEN,
  HISTORY_SIZE: '300',
  PING_INTERVAL: '1',
  DRAIN_SECONDS: '1',
  MAX_BUFFERED_BYTES: '262144'
}

/** Between an instance and Redis; a slow one would slow down all that the instance does, and is a fault of its own. */
const REDIS_PROFILES = { plain: 1 }

/** All that takes part in a run: the service, a link for everybody who speaks to it, publishers, subscribers, the oracle. */
export class World {
  oracle
  recovery
  /** The instances of the service; one without Redis. */
  instances = []
  /** The server that they share, or the servers with their Sentinels. */
  redis
  /** The way of each instance to Redis. */
  redisLinks = []
  publishers = []
  subscribers = []
  /** A publisher of its own for what is not part of the ordinary traffic. */
  extra
  /** What keeps an instance from saying what it knows, and what must not meet with that. */
  knowledge = new Gate()
  #links = []
  #prng
  #now

  /** @param now the clock of the run, in milliseconds */
  constructor (prng, now) {
    this.#prng = prng
    this.#now = now
    this.oracle = new Oracle(now)
    this.recovery = new Recovery(now)
  }

  get channels () {
    return Object.keys(CHANNELS)
  }

  histories () {
    return this.subscribers.flatMap((subscriber) => subscriber.histories())
  }

  /** The histories that depend on a connection to this instance. */
  historiesOn (instance) {
    const { port } = this.instances[instance]
    return this.subscribers.flatMap((subscriber) => [...subscriber.link.connections]
      .filter((connection) => connection.port === port)
      .flatMap(({ path }) => subscriber.histories(path)))
  }

  /** Starts the service and makes everybody else. */
  async create ({ publishers, subscribers, instances, redis, sentinel }) {
    if (redis) {
      const onFailure = (text) => { this.oracle.report({ kind: 'redis', text }) }
      this.redis = sentinel ? new RedisGroup(onFailure) : new RedisServer(await freePort(), onFailure)
      await this.redis.start()
    }
    for (let index = 0; index < instances; index++) this.instances.push(await this.#createInstance(`i${index + 1}`))
    await Promise.all(this.instances.map((instance) => instance.start()))
    for (let index = 0; index < publishers; index++) this.publishers.push(await this.#createPublisher(`p${index + 1}`, (index + 1) % BATCHES_EVERY === 0))
    for (let index = 0; index < subscribers; index++) this.subscribers.push(await this.#createSubscriber(`s${index + 1}`, transportNames[index % transportNames.length]))
    this.extra = await this.#createPublisher('extra', true)
  }

  /** Makes every link an ordinary network again. What is half-open stays so: it is for the two sides to find out. */
  heal () {
    for (const link of this.#links) link.heal()
  }

  /** Everybody leaves, then the service is asked to end. */
  async end () {
    for (const subscriber of this.subscribers) subscriber.stop()
    await Promise.all(this.instances.map((instance) => instance.stop('SIGTERM', STOP_TIMEOUT_MS)))
  }

  /** Lets go of everything, whatever state it is in. */
  close () {
    for (const subscriber of this.subscribers) subscriber.stop()
    for (const publisher of [...this.publishers, this.extra]) publisher?.stop()
    for (const link of [...this.#links, ...this.redisLinks]) link.close()
    for (const instance of this.instances) void instance.stop('SIGKILL', STOP_TIMEOUT_MS)
    this.redis?.close()
  }

  async #createInstance (name) {
    let env = SERVICE_ENV
    if (this.redis instanceof RedisGroup) {
      const links = await Promise.all(this.redis.ports.map((port) => this.#createLink(`${name} to Redis ${port}`, () => [port], REDIS_PROFILES)))
      const way = new SentinelWay(links, this.redis)
      await way.open()
      this.redisLinks.push(way)
      env = { ...env, REDIS_URL: way.url }
    } else if (this.redis) {
      const link = await this.#createLink(`${name} to Redis`, () => [this.redis.port], REDIS_PROFILES)
      this.redisLinks.push(link)
      env = { ...env, REDIS_URL: `redis://127.0.0.1:${link.port}` }
    }
    return new Service(await freePort(), env, (text) => { this.oracle.report({ kind: 'service', text: `${name}: ${text}` }) })
  }

  async #createPublisher (name, batches) {
    return new Publisher(name, {
      link: await this.#createLink(name),
      token: TOKEN,
      prng: this.#prng.fork(name),
      channels: CHANNELS,
      batches,
      hops: this.instances.length > 1,
      now: this.#now,
      onAcknowledged: (channel, id, key) => { this.oracle.acknowledge(channel, id, key) },
      onRefused: (text) => { this.oracle.report({ kind: 'refused', text }) }
    })
  }

  async #createSubscriber (name, transport) {
    return new Subscriber(name, {
      link: await this.#createLink(name),
      transport,
      channels: this.channels,
      oracle: this.oracle,
      recovery: this.recovery,
      prng: this.#prng.fork(name),
      silenceMs: SILENCE_MS
    })
  }

  async #createLink (name, upstreams = () => this.instances.map(({ port }) => port), profiles = undefined) {
    const link = new Link(this.#prng.fork(`link of ${name}`), upstreams, profiles)
    await link.open()
    this.#links.push(link)
    return link
  }
}
