import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { keyOf, makeMessage, randomLength } from './message.mjs'

const ANSWER_TIMEOUT_MS = 1_500
const MIN_RETRY_MS = 20
const MAX_RETRY_MS = 200
const MAX_BATCH = 20

/**
 * Publishes over HTTP, one request after the other. A request of which the answer is lost, or is 503, is repeated under the
 * same idempotency key until there is a 200: only then the message counts as acknowledged.
 */
export class Publisher {
  name
  link
  retries = 0
  /** Requests and entries that were answered 503. */
  unavailable = 0
  #n = 0
  #stopped = false
  #options
  #agent = new Agent({ keepAlive: true, maxSockets: 1 })

  /**
   * @param options `link`, `token`, `prng`, `channels` (weights by name), `batches` (whether it sends several messages in a
   *   request), `hops` (whether it repeats a request on another connection), `now`, `onAcknowledged(channel, id, key, port)` with the
   *   port of the server that answered, `onRefused(text)`
   */
  constructor (name, options) {
    this.name = name
    this.link = options.link
    this.#options = options
  }

  /** Publishes so many messages, evenly over the time; when faults held it up it catches up as fast as it can. */
  async run (count, durationMs) {
    const { prng, channels, batches, now } = this.#options
    const begin = now()
    for (let sent = 0; sent < count && !this.#stopped;) {
      const wait = begin + durationMs * sent / count - now()
      if (wait > 0) await delay(wait)
      const size = Math.min(count - sent, batches ? prng.integer(1, MAX_BATCH) : 1)
      await this.send(Array.from({ length: size }, () => this.#make(prng.weighted(channels), randomLength(prng))))
      sent += size
    }
  }

  /** Publishes messages of one length as fast as it can; resolves with the id of the last, or `undefined` when it was stopped before. */
  async publishAll (channel, count, length) {
    let id
    for (let sent = 0; sent < count; sent += MAX_BATCH) {
      const entries = Array.from({ length: Math.min(MAX_BATCH, count - sent) }, () => this.#make(channel, length))
      await this.send(entries)
      id = entries.at(-1).id
    }
    return id
  }

  /** Publishes an empty message on each channel, all in one request. */
  async publishEach (channels) {
    await this.send(channels.map((channel) => this.#make(channel, 0)))
  }

  /** Publishes entries in their order and resolves when all are acknowledged. */
  async send (entries) {
    while (entries.length > 0 && !this.#stopped) {
      const answer = await this.#post(entries)
      if (answer !== undefined) entries = this.#settle(entries, answer)
      if (entries.length === 0) return
      this.retries++
      // The next attempt is another connection, which the balancer gives to another instance.
      if (this.#options.hops) this.#agent.destroy()
      await delay(this.#options.prng.integer(MIN_RETRY_MS, MAX_RETRY_MS))
    }
  }

  stop () {
    this.#stopped = true
    this.#agent.destroy()
  }

  #make (channel, length) {
    const message = makeMessage(this.name, ++this.#n, length, this.#options.now())
    return { channel, message, idempotencyKey: keyOf(message) }
  }

  /** Returns the entries that have to be sent again. */
  #settle (entries, { status, body, port }) {
    const { onAcknowledged, onRefused } = this.#options
    if (status === 503) {
      this.unavailable++
      return entries
    }
    const results = status === 200 ? body.results ?? [body] : []
    return entries.filter((entry, index) => {
      const { id, error } = results[index] ?? {}
      if (error?.statusCode === 503) {
        this.unavailable++
        return true
      }
      if (id === undefined) {
        onRefused(`${entry.idempotencyKey} was answered ${status} ${JSON.stringify(results[index] ?? body)}`)
      } else {
        entry.id = id
        onAcknowledged(entry.channel, id, entry.idempotencyKey, port)
      }
      return false
    })
  }

  /** Resolves with the answer, or `undefined` when there was none. */
  #post (entries) {
    const { token, batches } = this.#options
    const [{ channel, message, idempotencyKey }] = entries
    const isSingle = entries.length === 1 && !batches
    const messages = entries.map(({ channel, message, idempotencyKey }) => ({ channel, message, idempotencyKey }))
    const body = JSON.stringify(isSingle ? { message } : { messages })
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...isSingle && { 'idempotency-key': idempotencyKey } }
    return new Promise((resolve) => {
      const lost = () => { resolve(undefined) }
      const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
      const post = request({ host: '127.0.0.1', port: this.link.port, path: isSingle ? `/send/${channel}` : '/send', method: 'POST', agent: this.#agent, headers, signal: timeout }, (response) => {
        let text = ''
        const port = this.link.serverOf?.(response.socket.localPort)
        response.setEncoding('utf8').on('data', (chunk) => { text += chunk }).on('error', lost).on('close', lost)
        response.on('end', () => { if (response.complete) resolve({ status: response.statusCode, body: parse(text), port }) })
      })
      post.on('error', lost).end(body)
    })
  }
}

function parse (text) {
  try {
    return JSON.parse(text)
  } catch {
    return { text }
  }
}
