// Presence: members that join and leave during a run, and observers of the companions. Half a minute after the last fault each list
// of members is correct, and so is the list that results from the messages of each companion.
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'
import { makeToken } from './token.mjs'

const CHANNELS = ['members:1', 'members:2']
const MEMBERS = 12
const OBSERVERS = 2
/** Pings come every second; a connection without one is dead. */
const SILENCE_MS = 3_000
const CONNECT_MS = 3_000
const MIN_RETRY_MS = 50
const MAX_RETRY_MS = 500
/** Shorter and longer than the time after which a member leaves. */
const STAY_MS = [2_000, 9_000]
const AWAY_MS = [100, 14_000]
const TRUE_AFTER_MS = 30_000
const POLL_MS = 100
/** Longer than any run. */
const TOKEN_TTL_MS = 36_000_000

/** The environment of a service that has channels with members, besides public channels. */
export function presenceEnv () {
  return { CHANNELS_FILE: fileURLToPath(new URL('presence.json', import.meta.url)) }
}

/** Members and observers of a run. */
export class Presence {
  #world
  #prng
  #stopped = false
  #sockets = new Set()
  /** The members expected at the end. */
  #remaining = new Set()
  #settled = false
  #observed = []

  constructor (world, prng) {
    this.#world = world
    this.#prng = prng
  }

  /** Members begin to come and go, and observers to look. */
  start () {
    for (let number = 1; number <= MEMBERS; number++) {
      const sub = `m${number}`
      if (number % 2 === 0) this.#remaining.add(sub)
      void this.#live(sub, this.#prng.fork(sub))
    }
    for (let number = 1; number <= OBSERVERS; number++) {
      for (const channel of CHANNELS) void this.#observe(channel, this.#prng.fork(`observer ${number} ${channel}`))
    }
  }

  /** Every other member stays from now on, the rest leaves; then all lists have to be the truth within half a minute. */
  async verify () {
    const deadline = performance.now() + TRUE_AFTER_MS
    this.#settled = true
    for (const socket of this.#sockets) if (socket.sub !== undefined && !this.#remaining.has(socket.sub)) socket.terminate()
    let wrong = await this.#differences()
    while (wrong.length > 0 && performance.now() < deadline) {
      await delay(POLL_MS)
      wrong = await this.#differences()
    }
    for (const text of wrong) this.#world.oracle.report({ kind: 'presence', text: `${TRUE_AFTER_MS / 1_000} s after the last fault ${text}` })
  }

  close () {
    this.#stopped = true
    for (const socket of this.#sockets) socket.terminate()
  }

  /** A member is on one connection after the other, on any instance, with pauses. */
  async #live (sub, prng) {
    while (!this.#stopped) {
      if (this.#settled && !this.#remaining.has(sub)) return
      const socket = this.#open(prng, CHANNELS.join(), sub)
      // A channel may be refused alone, while the instance drains.
      socket.on('message', (text) => { if (JSON.parse(String(text)).event === 'refused') socket.terminate() })
      const stays = delay(prng.integer(...STAY_MS)).then(() => { if (!this.#settled) socket.terminate() })
      await Promise.race([socket.ended, stays.then(() => socket.ended)])
      if (!this.#settled) await delay(prng.chance(0.5) ? prng.integer(MIN_RETRY_MS, MAX_RETRY_MS) : prng.integer(...AWAY_MS))
      else await delay(prng.integer(MIN_RETRY_MS, MAX_RETRY_MS))
    }
  }

  /** An observer takes the list, and then every change; behind a gap it takes the list once more. */
  async #observe (channel, prng) {
    const observed = { channel, subs: undefined, id: undefined }
    this.#observed.push(observed)
    while (!this.#stopped) {
      if (observed.subs === undefined) await this.#takeList(observed, prng)
      if (observed.subs !== undefined) {
        const socket = this.#open(prng, `${channel}~presence?since=${observed.id}`)
        socket.on('message', (text) => { if (!this.#take(observed, JSON.parse(String(text)))) socket.terminate() })
        await socket.ended
      }
      await delay(prng.integer(MIN_RETRY_MS, MAX_RETRY_MS))
    }
  }

  async #takeList (observed, prng) {
    const body = await this.#ask(prng.pick(this.#world.instances), `/${observed.channel}~presence`, makeToken('observer', CHANNELS, TOKEN_TTL_MS))
    if (body?.members === undefined) return
    observed.subs = new Set(body.members.map(({ sub }) => sub))
    observed.id = body.id
  }

  /** Takes an event or a message of a companion; returns `false` where the list has to be taken again. */
  #take (observed, { event, recovered, message, id }) {
    if (observed.subs === undefined) return false
    const [epoch, offset] = id.split(':')
    const [knownEpoch, knownOffset] = observed.id.split(':')
    if (event === 'subscribed' ? !recovered : epoch === knownEpoch && Number(offset) > Number(knownOffset) + 1) {
      observed.subs = undefined
      return false
    }
    if (event === undefined && epoch === knownEpoch && Number(offset) <= Number(knownOffset)) return true
    observed.id = id
    if (message?.join !== undefined) observed.subs.add(message.join)
    if (message?.leave !== undefined) observed.subs.delete(message.leave)
    return true
  }

  /** The differences from the expected members, one text each. */
  async #differences () {
    const truth = [...this.#remaining].sort()
    const wrong = []
    for (const { channel, subs } of this.#observed) {
      const told = [...subs ?? []].sort().join()
      if (told !== truth.join()) wrong.push(`the messages of ${channel}~presence amount to ${told || 'nobody'}, and not to ${truth.join()}`)
    }
    for (const instance of this.#world.instances) {
      for (const channel of CHANNELS) {
        const body = await this.#ask(instance, `/-/channels/${channel}`, 'faults')
        const list = body?.members?.map(({ sub, connections }) => `${sub}:${connections}`).join() ?? JSON.stringify(body)
        const expected = truth.map((sub) => `${sub}:1`).join()
        if (list !== expected) wrong.push(`${instance.name} lists ${list || 'nobody'} in ${channel}, and not ${expected}`)
      }
    }
    return wrong
  }

  /** A WebSocket to any instance, which ends when it is silent; `ended` resolves then. */
  #open (prng, path, sub) {
    const { port } = prng.pick(this.#world.instances)
    const socket = new WebSocket(`ws://127.0.0.1:${port}/${path}`, { headers: { authorization: `Bearer ${makeToken(sub ?? 'observer', CHANNELS, TOKEN_TTL_MS)}` }, handshakeTimeout: CONNECT_MS })
    socket.sub = sub
    const silence = setTimeout(() => { socket.terminate() }, CONNECT_MS + SILENCE_MS)
    const alive = () => { silence.refresh() }
    socket.on('error', () => {}).on('open', alive).on('ping', alive).on('message', alive)
    socket.ended = new Promise((resolve) => {
      socket.once('close', () => {
        clearTimeout(silence)
        this.#sockets.delete(socket)
        resolve()
      })
    })
    this.#sockets.add(socket)
    return socket
  }

  async #ask ({ port }, path, token) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization: `Bearer ${token}`, accept: 'application/json' }, signal: AbortSignal.timeout(CONNECT_MS) })
      return await answer.json()
    } catch {
      // The instance is away.
      return undefined
    }
  }
}
