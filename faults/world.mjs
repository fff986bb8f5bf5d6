import { setTimeout as delay } from 'node:timers/promises'
import { ClusterGroup } from './cluster-group.mjs'
import { ClusterWay } from './cluster-way.mjs'
import { Link } from './link.mjs'
import { Oracle } from './oracle.mjs'
import { presenceEnv } from './presence.mjs'
import { Publisher } from './publisher.mjs'
import { Readiness } from './readiness.mjs'
import { Recovery } from './recovery.mjs'
import { RedisGroup } from './redis-group.mjs'
import { RedisServer } from './redis.mjs'
import { Register } from './register.mjs'
import { SentinelWay } from './sentinel-way.mjs'
import { freePort } from '../scripts/free-port.mjs'
import { Service } from './service.mjs'
import { SharedSubscriber } from './shared-subscriber.mjs'
import { PLAIN, Subscriber, transportNames } from './subscriber.mjs'
import { TOKEN_SECRET } from './token.mjs'

const TOKEN = 'faults'
/** How long the readers that are not the client wait for a sign of life, in pings of one second. */
const SILENCE_MS = 2_500
const STOP_TIMEOUT_MS = 8_000
/** One publisher in so many sends several messages in a request. */
const BATCHES_EVERY = 4
/** Subscribers beside the others which cannot resume: faults of the network between would hide what they are to show. */
const PLAIN_SUBSCRIBERS = 2

/**
 * Channels and their share of the messages. The history is a second's worth of the busiest one and much longer for the others:
 * some who were away resume, others are told of a gap.
 */
export const CHANNELS = { busy: 70, brisk: 20, calm: 8, quiet: 2 }

/** Channels of connections with several; each takes a token, and has a small share of the messages. */
const ROOMS = Object.fromEntries(Array.from({ length: 28 }, (_, index) => [`room-${index + 1}`, 0.75]))
const ROOM_PATTERNS = ['room-*']

/**
 * Connections with several channels, in turn: how many they have at a time, and out of how many. Those are drawn, some of them of
 * the busy ones, but where there are most it is all of them.
 */
const SHARED = [
  { transport: 'frames', size: 30, main: 4, rooms: 28 },
  { transport: 'events', size: 4, main: 2, rooms: 6 },
  { transport: 'lines', size: 30, main: 4, rooms: 28 },
  { transport: 'frames', size: 4, main: 2, rooms: 6 },
  { transport: 'events', size: 30, main: 4, rooms: 28 },
  { transport: 'lines', size: 4, main: 2, rooms: 6 },
  { transport: 'frames', size: 1, main: 1, rooms: 3 }
]

const SERVICE_ENV = {
  BEARER_TOKEN: TOKEN,
  TOKEN_SECRET,
  PUBLIC_CHANNELS: Object.keys(CHANNELS).join(','),
  // Tokens are refused on purpose, and all come from one address.
  MAX_REFUSED_TOKENS_PER_MINUTE: '100000',
  HISTORY_SIZE: '300',
  PING_INTERVAL: '1',
  DRAIN_SECONDS: '1',
  MAX_BUFFERED_BYTES: '262144',
  ...presenceEnv()
}

/** Between an instance and Redis; a slow one would slow down all that the instance does, and is a fault of its own. */
const REDIS_PROFILES = { plain: 1 }

/** All that takes part in a run: the service, a link for everybody who speaks to it, publishers, subscribers, the oracle. */
export class World {
  oracle
  recovery
  readiness
  register
  now
  /** The instances of the service; one without Redis. */
  instances = []
  /** The server that they share, or the servers with their Sentinels, or a cluster. */
  redis
  /** The way of each instance to Redis. */
  redisLinks = []
  publishers = []
  subscribers = []
  /** A publisher of its own for what is not part of the ordinary traffic. */
  extra
  #links = []
  #prng
  /** Channels and their share of the messages. */
  #weights = CHANNELS

  /** @param now the clock of the run, in milliseconds */
  constructor (prng, now) {
    this.#prng = prng
    this.now = now
    this.oracle = new Oracle(now)
    this.recovery = new Recovery(now)
    this.register = new Register(now)
    this.readiness = new Readiness(this.instances, now, ({ name }) => { this.register.compare(name) })
  }

  /** Channels of all subscribers. */
  get channels () {
    return Object.keys(CHANNELS)
  }

  /** Those that somebody subscribes to at some time. */
  get allChannels () {
    return [...new Set(this.oracle.histories.map(({ channel }) => channel))]
  }

  /** The subscribers of several channels on one connection. */
  get shared () {
    return this.subscribers.filter((subscriber) => subscriber instanceof SharedSubscriber)
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
  async create ({ publishers, subscribers, shared, instances, setup, minReplicas, roams = true }) {
    if (setup !== undefined) {
      const onFailure = (text) => { this.oracle.report({ kind: 'redis', text }) }
      const make = {
        redis: async () => new RedisServer(await freePort(), onFailure),
        sentinel: () => new RedisGroup(onFailure, { minReplicas }),
        cluster: () => new ClusterGroup(onFailure, { minReplicas })
      }
      this.redis = await make[setup]()
      await this.redis.start()
    }
    for (let index = 0; index < instances; index++) this.instances.push(await this.#createInstance(`i${index + 1}`))
    await Promise.all(this.instances.map((instance) => instance.start()))
    if (this.redis) this.readiness.start()
    if (shared > 0) this.#weights = { ...CHANNELS, ...ROOMS }
    for (let index = 0; index < publishers; index++) this.publishers.push(await this.#createPublisher(`p${index + 1}`, (index + 1) % BATCHES_EVERY === 0))
    for (let index = 0; index < subscribers; index++) this.subscribers.push(await this.#createSubscriber(`s${index + 1}`, transportNames[index % transportNames.length]))
    for (let index = 0; index < shared; index++) this.subscribers.push(await this.#createShared(`shared${index + 1}`, SHARED[index % SHARED.length], { roams, isAlone: setup === undefined }))
    for (let index = 0; index < PLAIN_SUBSCRIBERS; index++) this.subscribers.push(await this.#createSubscriber(`plain${index + 1}`, PLAIN))
    this.extra = await this.#createPublisher('extra', true)
  }

  /** Makes every link an ordinary network again. What is half-open stays so: it is for the two sides to find out. */
  heal () {
    for (const link of this.#links) link.heal()
  }

  /** Resolves when Redis is whole and every instance has been ready for a while, of which those that are not in time are a violation. */
  async settle (timeoutMs) {
    if (!this.redis) return
    await this.redis.settle?.()
    await Promise.all(this.instances.map((instance) => instance.ready(timeoutMs).catch((error) => {
      this.oracle.report({ kind: 'not ready', text: `${instance.name}: ${error.message}` })
    })))
    await Promise.race([this.readiness.idle(), delay(timeoutMs, undefined, { ref: false })])
  }

  /** Everybody keeps what it has, all its channels; resolves when the service has said where each one stands. */
  async gather () {
    await Promise.all(this.shared.map((subscriber) => subscriber.gather()))
  }

  /** Everybody leaves, then the service is asked to end. */
  async end () {
    this.readiness.stop()
    for (const subscriber of this.subscribers) subscriber.stop()
    await Promise.all(this.instances.map((instance) => instance.stop('SIGTERM', STOP_TIMEOUT_MS)))
  }

  /** Stops and closes everything, in any state. */
  close () {
    this.readiness.stop()
    for (const subscriber of this.subscribers) subscriber.stop()
    for (const publisher of [...this.publishers, this.extra]) publisher?.stop()
    for (const link of [...this.#links, ...this.redisLinks]) link.close()
    for (const instance of this.instances) void instance.stop('SIGKILL', STOP_TIMEOUT_MS)
    this.redis?.close()
  }

  async #createInstance (name) {
    const env = { ...SERVICE_ENV, ...this.redis && { REDIS_URL: await this.#wayToRedis(name) } }
    const instance = new Service(name, await freePort(), env, {
      onFailure: (text) => { this.oracle.report({ kind: 'service', text: `${name}: ${text}` }) },
      onBegin: () => { this.register.begin(name) },
      onReady: () => { this.register.ready(name) },
      onEnd: () => {
        this.register.end(name)
        this.readiness.disturb([instance])
      }
    })
    return instance
  }

  /** Makes the links of an instance to Redis; resolves with the URL that leads through them. */
  async #wayToRedis (name) {
    const create = (port, translate) => this.#createLink(`${name} to Redis${this.redis instanceof RedisServer ? '' : ` ${port}`}`, () => [port], { profiles: REDIS_PROFILES, translate })
    if (this.redis instanceof RedisServer) {
      const link = await create(this.redis.port)
      this.redisLinks.push(link)
      return `redis://127.0.0.1:${link.port}`
    }
    const way = this.redis instanceof RedisGroup ? new SentinelWay(this.redis) : new ClusterWay(this.redis)
    await way.open(create)
    this.redisLinks.push(way)
    return way.url
  }

  async #createPublisher (name, batches) {
    return new Publisher(name, {
      link: await this.#createLink(name),
      token: TOKEN,
      prng: this.#prng.fork(name),
      channels: this.#weights,
      batches,
      hops: this.instances.length > 1,
      now: this.now,
      onAcknowledged: (channel, id, key, port) => {
        const instance = this.instances.find((instance) => instance.port === port)
        this.oracle.acknowledge(channel, id, key, this.register.lifeOf(instance?.name))
      },
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

  async #createShared (name, { transport, size, main, rooms }, conduct) {
    const prng = this.#prng.fork(name)
    const draw = (weights, count) => prng.shuffle(Object.keys(weights)).slice(0, count)
    return new SharedSubscriber(name, {
      ...conduct,
      link: await this.#createLink(name),
      transport,
      size,
      channels: prng.shuffle([...draw(CHANNELS, main), ...draw(ROOMS, rooms)]),
      covered: ROOM_PATTERNS,
      oracle: this.oracle,
      recovery: this.recovery,
      prng,
      silenceMs: SILENCE_MS,
      now: this.now
    })
  }

  async #createLink (name, upstreams = () => this.instances.map(({ port }) => port), options = {}) {
    const link = new Link(this.#prng.fork(`link of ${name}`), upstreams, options)
    await link.open()
    this.#links.push(link)
    return link
  }
}
