import { Link } from './link.mjs'
import { Oracle } from './oracle.mjs'
import { Publisher } from './publisher.mjs'
import { Recovery } from './recovery.mjs'
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

/** All that takes part in a run: the service, a link for everybody who speaks to it, publishers, subscribers, the oracle. */
export class World {
  oracle
  recovery
  service
  publishers = []
  subscribers = []
  /** A publisher of its own for what is not part of the ordinary traffic. */
  extra
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

  /** Starts the service and makes everybody else. */
  async create ({ publishers, subscribers }) {
    this.service = new Service(await freePort(), SERVICE_ENV, (text) => { this.oracle.report({ kind: 'service', text }) })
    await this.service.start()
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
    await this.service.stop('SIGTERM', STOP_TIMEOUT_MS)
  }

  /** Lets go of everything, whatever state it is in. */
  close () {
    for (const subscriber of this.subscribers) subscriber.stop()
    for (const publisher of [...this.publishers, this.extra]) publisher?.stop()
    for (const link of this.#links) link.close()
    void this.service?.stop('SIGKILL', STOP_TIMEOUT_MS)
  }

  async #createPublisher (name, batches) {
    return new Publisher(name, {
      link: await this.#createLink(name),
      token: TOKEN,
      prng: this.#prng.fork(name),
      channels: CHANNELS,
      batches,
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

  async #createLink (name) {
    const link = new Link(this.#prng.fork(`link of ${name}`), () => this.service.port)
    await link.open()
    this.#links.push(link)
    return link
  }
}
