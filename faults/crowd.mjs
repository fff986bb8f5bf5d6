import { connectToChannel } from './browser.mjs'
import { keyOf } from './message.mjs'
import { Oracle } from './oracle.mjs'
import { Publisher } from './publisher.mjs'
import { RedisServer } from './redis.mjs'
import { freePort } from '../scripts/free-port.mjs'
import { Service } from './service.mjs'

const TOKEN = 'faults'
const STOP_TIMEOUT_MS = 8_000
/** One channel's messages of a whole run, so that nobody has to be told of a gap. */
const HISTORY_SIZE = '1000'
/** Maximum number of messages in a batch. */
const MAX_BATCH = 1_000
/** Above the number of subscribers, which all come from one address at once. A client that is refused repeatedly goes on by long polls. */
const SUBSCRIBES_PER_SECOND = '100000'
const MARKER = 'marker'

/** A subscriber of one channel at one instance, through the browser client. */
class Member {
  /** When it had everything that was acknowledged before a marker. */
  caughtUpAt
  history
  #channel
  #server
  #crowd
  #stop

  constructor (channel, instance, crowd) {
    this.#channel = channel
    this.#server = `http://127.0.0.1:${instance.port}`
    this.#crowd = crowd
    this.history = crowd.oracle.subscribe(`at ${instance.port}`, channel)
  }

  /** Subscribes, after the last message that it had; resolves when the service says where it stands. */
  open () {
    const { history } = this
    const since = history.lastId
    return new Promise((resolve) => {
      this.#stop = connectToChannel(this.#channel, (message, { id }) => {
        this.#crowd.oracle.deliver(history, id, keyOf(message))
        if (message.p === MARKER && message.sentAt >= this.#crowd.backAt) this.caughtUpAt = this.#crowd.now()
      }, {
        server: this.#server,
        ...since !== undefined && { since },
        onOpen: resolve,
        onClose ({ code, reason }) { history.note(`closed ${code} ${reason}`) },
        onGap ({ reason }) { history.gap(reason) }
      })
    })
  }

  close () {
    this.#stop()
  }
}

/** Many channels on several instances and one Redis: a subscriber of each channel at each instance, and publishers at all of them. */
export class Crowd {
  oracle
  redis
  instances = []
  members = []
  publishers = []
  /** When Redis answered again. */
  backAt = Infinity
  now
  #channels
  #marker

  constructor (now) {
    this.now = now
    this.oracle = new Oracle(now)
  }

  async create ({ channels, instances, publishers, prng }) {
    this.#channels = Array.from({ length: channels }, (_, index) => `channel-${index + 1}`)
    this.redis = new RedisServer(await freePort(), (text) => { this.oracle.report({ kind: 'redis', text }) })
    await this.redis.start()
    const env = { BEARER_TOKEN: TOKEN, REDIS_URL: `redis://127.0.0.1:${this.redis.port}`, HISTORY_SIZE, DRAIN_SECONDS: '1', MAX_SUBSCRIBES_PER_SECOND: SUBSCRIBES_PER_SECOND }
    for (let index = 0; index < instances; index++) this.instances.push(new Service(`i${index + 1}`, await freePort(), env, { onFailure: (text) => { this.oracle.report({ kind: 'service', text }) } }))
    await Promise.all(this.instances.map((instance) => instance.start()))
    this.members = this.instances.flatMap((instance) => this.#channels.map((channel) => new Member(channel, instance, this)))
    await Promise.all(this.members.map((member) => member.open()))
    this.publishers = Array.from({ length: publishers }, (_, index) => this.#createPublisher(`p${index + 1}`, index, prng))
    this.#marker = this.#createPublisher(MARKER, 0, prng)
    // So that everybody has a position to come back to.
    await this.mark()
  }

  /** Publishes a message on every channel: whoever has it has everything that was acknowledged before. */
  async mark () {
    for (let start = 0; start < this.#channels.length; start += MAX_BATCH) {
      await this.#marker.publishEach(this.#channels.slice(start, start + MAX_BATCH))
    }
  }

  /** Everybody leaves, then the instances are asked to end. */
  async end () {
    for (const member of this.members) member.close()
    await Promise.all(this.instances.map((instance) => instance.stop('SIGTERM', STOP_TIMEOUT_MS)))
    this.redis.close()
  }

  #createPublisher (name, index, prng) {
    return new Publisher(name, {
      link: { port: this.instances[index % this.instances.length].port },
      token: TOKEN,
      prng: prng.fork(name),
      channels: Object.fromEntries(this.#channels.map((channel) => [channel, 1])),
      batches: true,
      hops: false,
      now: this.now,
      onAcknowledged: (channel, id, key) => {
        this.oracle.acknowledge(channel, id, key)
        if (name === MARKER) this.oracle.mark(channel, id)
      },
      onRefused: (text) => { this.oracle.report({ kind: 'refused', text }) }
    })
  }
}
