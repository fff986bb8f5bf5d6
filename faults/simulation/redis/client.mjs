import { Connection } from './connection.mjs'

/** How long a connection may take to say goodbye. */
const DISCONNECT_MS = 100
const COMMANDS = ['ping', 'info', 'wait', 'publish', 'subscribe', 'ssubscribe', 'sunsubscribe', 'zrange']

/**
 * The part of a client of ioredis that the broker uses, with the same order of events: the end of a connection is first announced,
 * then pending commands reject; a command that timed out is forgotten and its answer ignored; nothing waits in a queue.
 */
export class FakeClient {
  isCluster = false
  /** The broker guards the queue of a client of ioredis; here every answer finds its command. */
  commandQueue = []
  status = 'connecting'
  #world
  #instance
  #options
  #listeners = new Map()
  #connection
  #writable = false
  /** Commands under way, in order. */
  #pending = []
  #timer
  #attempts = 0
  #ended = false
  #reconnect

  /** @param world `clock`, `hostOf(instance)` */
  constructor (world, instance, options) {
    this.#world = world
    this.#instance = instance
    this.#options = options
    if (options !== undefined) this.#connect()
  }

  get owner () {
    return this.#instance.owner
  }

  get instance () {
    return this.#instance
  }

  get name () {
    return `${this.#instance.name}${this === this.#instance.clients[0] ? '' : ' (notifications)'}`
  }

  get connection () {
    return this.#connection
  }

  duplicate (options) {
    const client = new FakeClient(this.#world, this.#instance, options)
    this.#instance.clients.push(client)
    return client
  }

  defineCommand (name) {
    this[name] = (...args) => this.call(name, args)
  }

  on (event, listener) {
    const listeners = this.#listeners.get(event) ?? []
    this.#listeners.set(event, [...listeners, listener])
    return this
  }

  off (event, listener) {
    this.#listeners.set(event, (this.#listeners.get(event) ?? []).filter((other) => other !== listener))
    return this
  }

  connect () {
    if (this.status !== 'end') return Promise.reject(new Error('Redis is already connecting/connected'))
    this.#ended = false
    this.#connect()
    return Promise.resolve()
  }

  disconnect (reconnect = false) {
    if (!reconnect) this.#ended = true
    if (this.status === 'reconnecting') {
      this.#reconnect.cancelled = true
      if (!reconnect) this.status = 'end'
      else this.#connect()
      return
    }
    this.#writable = false
    const connection = this.#connection
    if (connection === undefined) return
    connection.finish()
    this.#world.clock.after(DISCONNECT_MS, this.owner, () => { this.onClose(connection) })
  }

  #emit (event, ...args) {
    for (const listener of this.#listeners.get(event) ?? []) listener(...args)
  }

  #connect () {
    const { clock } = this.#world
    this.status = 'connecting'
    const { owner } = this
    const reached = owner.random.time(0.5, 20)
    const attempt = this.#connection = { finish () {} }
    clock.after(reached, owner, () => {
      if (this.#connection !== attempt) return
      const host = this.#world.hostOf(this.#instance)
      if (this.#ended || host === undefined) {
        if (!this.#ended) this.#emit('error', new Error('connect ECONNREFUSED'))
        this.onClose(attempt)
        return
      }
      this.#connection = new Connection(clock, owner.random, host, this)
      this.#pending = []
      this.#sendRaw({ name: 'ping', args: [], resolve: () => { this.#ready() }, reject: () => {} })
    })
  }

  #ready () {
    if (this.#ended) return
    this.status = 'ready'
    this.#writable = true
    this.#attempts = 0
    this.#emit('ready')
  }

  call (name, args) {
    if (this.status !== 'ready' || !this.#writable) return Promise.reject(new Error("Stream isn't writeable and enableOfflineQueue options is false"))
    return new Promise((resolve, reject) => { this.#sendRaw({ name, args, resolve, reject }) })
  }

  #sendRaw (command) {
    command.deadline = this.#world.clock.now + this.#options.commandTimeout
    this.#pending.push(command)
    this.#connection.send(command)
    if (this.#timer === undefined) this.#watch()
  }

  /** All commands have the same time, so that one timer is enough. */
  #watch () {
    const next = this.#pending.find(({ deadline }) => deadline !== undefined)
    if (next === undefined) { this.#timer = undefined; return }
    this.#timer = this.#world.clock.at(next.deadline, this.owner, () => {
      for (const command of this.#pending) {
        if (command.deadline === undefined) continue
        if (command.deadline > this.#world.clock.now) break
        command.deadline = undefined
        command.reject(new Error('Command timed out'))
      }
      this.#watch()
    })
    this.#timer.isTimer = true
  }

  onAnswer (connection, command, error, value) {
    if (connection !== this.#connection) return
    this.#pending.shift()
    command.deadline = undefined
    if (error === undefined) {
      this.#instance.answered(command.name, value, command.args)
      command.resolve(value)
      return
    }
    if (error.message.startsWith('READONLY')) this.disconnect(true)
    command.reject(new Error(error.message))
  }

  onPush (connection, type, name, text) {
    if (connection === this.#connection) this.#emit(type, name, text)
  }

  onClose (connection) {
    if (connection !== this.#connection) return
    connection.abandon?.()
    this.#connection = undefined
    this.#writable = false
    if (this.#timer) this.#timer.cancelled = true
    this.#timer = undefined
    const pending = this.#pending.splice(0)
    if (this.#ended) {
      this.status = 'end'
    } else {
      this.status = 'reconnecting'
      const ms = this.#options.retryStrategy(++this.#attempts)
      this.#reconnect = this.#world.clock.after(ms, this.owner, () => { if (!this.#ended) this.#connect() })
    }
    this.#emit('close')
    for (const command of pending) command.reject(new Error('Connection is closed.'))
  }
}

for (const name of COMMANDS) {
  FakeClient.prototype[name] = function (...args) { return this.call(name, args) }
}
