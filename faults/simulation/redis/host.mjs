import { Random } from '../random.mjs'
import { Server } from './server.mjs'

/**
 * A server with its connections, its replication and its faults: it is down, stands still, is killed with all, a part or nothing of
 * its data, is promoted, or replicates another one. A replica has any prefix of what its master wrote.
 */
export class Host {
  name
  server
  up = true
  /** How often it was killed. */
  kills = 0
  /** The host that this one replicates, once it has taken over its data; the number of its writes that were applied. */
  master
  applied = 0
  /** Replication from the master rests until then. */
  laggingUntil = 0
  connections = new Set()
  #clock
  #random
  #hooks
  /** Whether a replica was attached since the process began: the first one changes `master_replid`. */
  #hasBacklog = false
  #waiting = []
  #attaching = 0

  /** @param hooks `onEpoch`, `onAppend` of the world */
  constructor (name, clock, seed, hooks) {
    this.name = name
    this.#clock = clock
    this.#random = new Random(seed, name, 0x5e7)
    this.#hooks = hooks
    // No two servers have the same time.
    const skew = this.#random.integer(-3_600_000, 3_600_000)
    this.server = new Server(() => Date.now() + skew, this.#replid())
    this.server.onEpoch = (...args) => { hooks.onEpoch(this, ...args) }
    this.server.onAppend = (...args) => { hooks.onAppend(this, ...args) }
    this.server.onAnnounce = (type, name, text) => { this.#push(type, name, text) }
    this.paused = false
    this.heldBack = []
  }

  #replid () {
    let digits = ''
    while (digits.length < 40) digits += this.#random.integer(0, 0xffffffff).toString(16).padStart(8, '0')
    return digits.slice(0, 40)
  }

  /** Takes what a connection sent. */
  receive (connection, command) {
    if (!this.up || connection.closed) return
    if (this.paused) this.heldBack.push([connection, command])
    else if (connection.blocked) connection.queue.push(command)
    else this.#execute(connection, command)
  }

  #execute (connection, command) {
    const { name, args } = command
    const before = this.server.writes
    let error
    let value
    if (name === 'wait') { this.#wait(connection, command); return }
    if (name === 'subscribe' || name === 'ssubscribe') connection.subscriptions.add(args[0])
    else if (name === 'sunsubscribe') connection.subscriptions.delete(args[0])
    else {
      try {
        value = this.server.execute(name, args)
      } catch (refusal) {
        error = refusal
      }
    }
    this.#hooks.trace?.(() => `${this.name} ${this.server.term.slice(0, 4)} ${connection.client.name} ${name} ${args.slice(0, 12).join(' ')} → ${error?.message ?? JSON.stringify(value)}`)
    if (this.server.writes > before) {
      connection.written = this.server.writes
      this.#hooks.onWrite(this)
    }
    connection.answer(command, error, value)
    this.#hooks.onScript(name, connection.client)
  }

  #push (type, name, text) {
    for (const connection of this.connections) if (connection.subscriptions.has(name)) connection.push(type, name, text)
  }

  #wait (connection, command) {
    const [count, timeoutMs] = command.args
    const waiter = { connection, command, count, written: connection.written }
    if (this.#replicated(waiter.written) >= count) { connection.answer(command, undefined, this.#replicated(waiter.written)); return }
    connection.blocked = true
    this.#waiting.push(waiter)
    this.#clock.after(timeoutMs, undefined, () => { this.#release(waiter) })
  }

  #replicated (written) {
    return this.#hooks.replicasOf(this).filter(({ applied }) => applied >= written).length
  }

  #release (waiter, error) {
    const at = this.#waiting.indexOf(waiter)
    if (at < 0) return
    this.#waiting.splice(at, 1)
    const { connection, command } = waiter
    connection.blocked = false
    connection.answer(command, error, this.#replicated(waiter.written))
    for (const next of connection.queue.splice(0)) this.receive(connection, next)
  }

  /** Looks whether what clients wait for is replicated. */
  acknowledged () {
    for (const waiter of [...this.#waiting]) if (this.#replicated(waiter.written) >= waiter.count) this.#release(waiter)
  }

  /** Applies what the master has written up to now, unless replication rests. */
  replicate () {
    const { master } = this
    if (master === undefined || !this.up || this.paused || !master.up || this.#clock.now < this.laggingUntil) return
    this.catchUp()
    master.acknowledged()
  }

  catchUp () {
    for (const step of this.master.server.since(this.applied)) {
      this.applied++
      this.server.apply(step)
    }
  }

  /** Becomes a replica: refuses commands at once, and has the data of the other one after a while. */
  attach (master, delayMs) {
    const attempt = ++this.#attaching
    this.server.role = 'replica'
    this.master = undefined
    for (const waiter of [...this.#waiting]) this.#release(waiter, new Error('UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)'))
    this.#clock.after(delayMs, undefined, () => {
      if (attempt !== this.#attaching || !this.up || !master.up || master.server.role !== 'master') return
      master.#firstReplica()
      this.server.copy(master.server)
      this.server.replid = master.server.replid
      this.master = master
      this.applied = master.server.writes
      this.#hasBacklog = true
      master.#countReplicas()
    })
  }

  #firstReplica () {
    if (this.#hasBacklog) return
    this.#hasBacklog = true
    this.server.replid = this.#replid()
  }

  /** Goes on under another id, as when the first replica attaches; those that are attached learn of it. */
  rename () {
    if (!this.up || this.server.role !== 'master') return
    this.server.replid = this.#replid()
    for (const replica of this.#hooks.replicasOf(this)) replica.server.replid = this.server.replid
  }

  #countReplicas () {
    this.server.replicas = this.#hooks.replicasOf(this)
  }

  /** Stops replicating. */
  detach () {
    const { master } = this
    this.#attaching++
    this.master = undefined
    master?.#countReplicas()
  }

  promote () {
    this.detach()
    this.server.role = 'master'
    this.server.replid = this.#replid()
  }

  kill (silent) {
    this.up = false
    this.kills++
    this.resume()
    this.#waiting = []
    this.#attaching++
    for (const connection of [...this.connections]) connection.close(silent)
    for (const replica of this.#hooks.replicasOf(this)) replica.detach()
    this.detach()
  }

  /** Begins again with the first `count` writes since it began; see {@link Server.restart}. */
  start (count) {
    this.up = true
    this.#hasBacklog = false
    this.server.restart(this.#replid(), count)
  }

  pause () {
    this.paused = true
  }

  resume () {
    this.paused = false
    for (const [connection, command] of this.heldBack.splice(0)) this.receive(connection, command)
  }
}
