import { Clock, useClock } from './clock.mjs'
import { Client } from './client.mjs'
import { FakeSubscriber, Instance } from './instance.mjs'
import { Oracle } from './oracle.mjs'
import { mix, Random } from './random.mjs'
import { Host } from './redis/host.mjs'
import { ACTIVE_MS } from './schedule.mjs'

/** Slots of instances. */
const SLOTS = 3
/** Until everything that healed is as it was. */
const SETTLING_MS = 600
/** Until everybody must have caught up. */
const DEADLINE_MS = 15_000
const REGISTER = 'instances'
const POLL_MS = 50
const JOIN_POLL_MS = 10
/** More reads than that are a loop without an end. */
const MAX_READS = 400
/** Until what was sent before the end has arrived. */
const LAST_MS = 300
const ATTEMPTS = 6

const channelName = (number) => `c${number}`

/** Everything that a schedule is about: Redis, the instances, the clients and the publishers. */
export class World {
  seed
  setup
  clock
  oracle
  #random
  #hosts
  /** The host that is the master for whoever is not on the other side, and the one that a failover has replaced. */
  #master
  #old
  #slots = []
  #numbers = Array.from({ length: SLOTS }, () => 0)
  /** By slot: whether it reaches no Redis, and whether it is left with the old master. */
  #isolated = []
  #stays = []
  #subscribers = new Map()
  #published = 0
  #healed = false
  #finishing = false
  /** When a master came back last without all of its data. */
  rolledBackAt = -1
  #reactions = []
  #markers = new Map()
  /** When each term was decided. */
  #decisions = new Map()

  /** @param trace is called with functions that give a line about what happens */
  constructor ({ seed, setup, actions }, trace) {
    this.trace = trace
    this.seed = seed
    this.setup = setup
    this.clock = new Clock(seed)
    useClock(this.clock)
    this.#random = new Random(seed, 0x3031d)
    this.oracle = new Oracle(this)
    const hooks = {
      trace: trace && ((line) => { this.note(line) }),
      onScript: (name, client) => {
        if (name === 'messengerRead' && client.instance.reads++ === MAX_READS) this.oracle.report('busy', `${client.instance.name} reads again and again`)
        this.#react(name, client)
      },
      onEpoch: (host, key, epoch, parent, bound) => {
        const name = host.server.get(REGISTER)?.term
        this.oracle.tree.begin(channelOf(key), epoch, parent, bound, { name, decidedAt: this.#decisions.get(name) })
      },
      onAppend: (host, key, epoch, offset, message) => {
        this.oracle.tree.append(channelOf(key), epoch, offset, JSON.parse(message), this.clock.now, host.name)
      },
      onWrite: (host) => {
        const term = host.server.get(REGISTER)?.term
        if (term !== undefined && !this.#decisions.has(term)) this.#decisions.set(term, this.clock.now)
        this.#replicate(host)
      },
      replicasOf: (host) => this.#hosts.filter(({ master }) => master === host)
    }
    this.#hosts = (setup.pair ? [1, 2] : [1]).map((name) => new Host(name, this.clock, seed, hooks))
    this.#master = this.#hosts[0]
    if (setup.pair) this.#replica.attach(this.#master, this.#random.chance(0.7) ? 0 : 100)
    for (let slot = 0; slot < setup.instances; slot++) this.clock.at(slot * 2, undefined, () => { this.#begin(slot) })
    for (const action of actions) {
      if (action.on === undefined) this.clock.at(action.at, undefined, () => { this.#act(action) })
      else this.#reactions.push({ ...action, left: action.on.number })
    }
    this.clock.at(ACTIVE_MS + 100, undefined, () => { this.#heal() })
  }

  /** Runs the schedule; resolves with the violation, or `undefined`. */
  async run () {
    await this.clock.run(ACTIVE_MS + DEADLINE_MS)
    const { oracle } = this
    if (oracle.violation === undefined) {
      for (const subscriber of this.#subscribers.values()) subscriber.arrive()
      oracle.conclude()
    }
    if (oracle.violation === undefined) this.#checkMarkers()
    return oracle.violation
  }

  /** The host that an instance connects to. */
  hostOf (instance) {
    const slot = this.#slots.indexOf(instance)
    if (this.#isolated[slot]) return undefined
    const host = this.#stays[slot] && this.#old !== undefined ? this.#old : this.#master
    return host.up ? host : undefined
  }

  get #replica () {
    return this.#hosts.find((host) => host !== this.#master)
  }

  #replicate (host) {
    for (const replica of this.#hosts) {
      if (replica.master !== host) continue
      const delay = this.#random.chance(0.1) ? this.#random.next() * 50 : this.#random.next() * this.setup.replicaMs
      this.clock.at(Math.max(this.clock.now + delay, replica.laggingUntil), undefined, () => { replica.replicate() })
    }
  }

  #begin (slot) {
    this.#slots[slot] = new Instance(this, slot, this.#numbers[slot]++)
  }

  /** The instance of a number, or another one where it is not there. */
  #instance (number) {
    for (let step = 0; step < SLOTS; step++) {
      const instance = this.#slots[(number + step) % SLOTS]
      if (instance?.alive) return instance
    }
    return undefined
  }

  note (line) {
    this.trace?.(`${this.clock.now.toFixed(1).padStart(8)}  ${line()}`)
  }

  /** Starts what is to happen in the middle of what a script is a part of. */
  #react (name, client) {
    for (const reaction of this.#reactions) {
      const { on, ofCaller, left } = reaction
      if (this.#healed || on.script !== name || this.clock.now < on.from || left === 0) continue
      if (--reaction.left > 0) continue
      const slot = this.#slots.findIndex((instance) => instance?.clients.includes(client))
      const action = ofCaller && slot >= 0 && 'instance' in reaction ? { ...reaction, instance: slot } : reaction
      this.clock.after(on.after, undefined, () => { if (!this.#healed) this.#act(action) })
    }
  }

  #act (action) {
    this.note(() => `── ${JSON.stringify(action)}`)
    this.#do[action.kind](action)
  }

  #do = {
    subscribe: ({ client, channel, events, instance }) => {
      const created = new Client(`client ${client}`, channelName(channel), events, this.oracle)
      created.number = client
      this.oracle.add(created)
      this.#connect(created, instance, 1)
    },
    publish: ({ channel, instance, salt, idempotent, again }) => {
      const random = new Random(this.seed, salt)
      const publication = { channel: channelName(channel), key: `p${++this.#published}`, idempotent, random, instance, attempt: 1 }
      this.#publish(publication)
      if (idempotent && again !== undefined) {
        this.clock.after(again, undefined, () => { this.#publish({ ...publication, instance: instance + 1 }) })
      }
    },
    move: ({ client, instance, lost, away }) => {
      const found = this.oracle.clients.find(({ number }) => number === client)
      if (found === undefined || !this.#disconnect(found, lost)) return
      this.#connect(found, instance, away)
    },
    crash: ({ instance, lost, back }) => {
      const found = this.#slots[instance]
      if (!found?.alive) return
      found.crash()
      for (const [client, subscriber] of [...this.#subscribers]) {
        if (subscriber.instance !== found) continue
        this.#disconnect(client, lost)
        this.#connect(client, this.#random.integer(0, 2), this.#random.time(1, 300))
      }
      if (back !== undefined) this.clock.after(back, undefined, () => { this.#replace(instance) })
    },
    close: ({ instance, back }) => {
      const found = this.#slots[instance]
      if (!found?.alive) return
      found.close()
      if (back !== undefined) this.clock.after(back, undefined, () => { this.#replace(instance) })
    },
    start: ({ instance }) => { this.#replace(instance) },
    rename: () => { this.#master.rename() },
    still: ({ instance, lasts, timersFirst }) => {
      const found = this.#slots[instance % SLOTS]
      if (!found?.alive || found.owner.paused) return
      this.clock.pause(found.owner)
      this.clock.after(lasts, undefined, () => { if (found.owner.paused) this.clock.resume(found.owner, timersFirst) })
    },
    stall: ({ instance, connection, direction, lasts }) => {
      this.#slots[instance]?.clients[connection]?.connection?.stall?.(direction, this.clock.now + lasts)
    },
    cut: ({ instance, connection, silent, lostAnswers }) => {
      for (const [index, client] of (this.#slots[instance]?.clients ?? []).entries()) {
        if (connection === 2 || connection === index) client.connection?.cut?.(silent, lostAnswers)
      }
    },
    isolate: ({ instance, lasts }) => {
      const until = this.clock.now + lasts
      this.#isolated[instance] = true
      for (const client of this.#slots[instance]?.clients ?? []) client.connection?.stall?.('both', until)
      this.clock.after(lasts, undefined, () => { this.#isolated[instance] = false })
    },
    server: ({ keeps, part, last, lasts, silent }) => {
      const host = this.#master
      if (!host.up) return
      const { writes } = host.server
      const lost = last === undefined ? Math.ceil(writes * (1 - part)) : Math.max(0, writes - last)
      const count = { all: undefined, part: lost, none: -1 }[keeps]
      const replica = this.#hosts.find(({ master }) => master === host)
      host.kill(silent)
      const { kills } = host
      this.clock.after(lasts, undefined, () => {
        if (host !== this.#master || host.up || host.kills !== kills) return
        if (count !== undefined) this.rolledBackAt = this.clock.now
        host.start(count)
        if (replica !== undefined) replica.attach(host, this.#random.time(1, 300))
      })
    },
    pause: ({ lasts }) => {
      const host = this.#master
      host.pause()
      this.clock.after(lasts, undefined, () => { host.resume() })
    },
    lag: ({ lasts }) => {
      const replica = this.#replica
      if (replica === undefined) return
      replica.laggingUntil = Math.max(replica.laggingUntil, this.clock.now + lasts)
      this.clock.after(lasts, undefined, () => { replica.replicate() })
    },
    promote: (action) => { this.#promote(action) },
    side: ({ instance, stays, lostAnswers }) => {
      if (this.#old === undefined) return
      this.#stays[instance] = stays
      for (const client of this.#slots[instance]?.clients ?? []) client.connection?.cut?.(false, lostAnswers)
    },
    withdraw: ({ keepsConnections }) => {
      const host = this.#master
      if (this.#old?.up !== true) return
      this.#master = this.#old
      this.#demote(host, keepsConnections)
      this.#old = undefined
    },
    slow: ({ client, lasts }) => {
      const found = this.oracle.clients.find(({ number }) => number === client)
      const subscriber = this.#subscribers.get(found)
      if (subscriber === undefined) return
      subscriber.slow = true
      this.clock.after(lasts, undefined, () => { subscriber.slow = false })
    }
  }

  #promote ({ lossless, serves, stay, demote, keepsConnections }) {
    const old = this.#master
    const next = this.#replica
    // A replica that has not its master's data yet is not promoted; neither is one whose failover is not over.
    if (next?.master !== old || this.#old !== undefined || !next.up) return
    if (lossless) next.catchUp()
    next.promote()
    this.#master = next
    this.#old = old
    if (serves === 0) {
      old.kill(false)
      this.clock.after(demote, undefined, () => { this.#demote(old, false) })
      return
    }
    this.#stays = [...stay]
    for (const [slot, instance] of this.#slots.entries()) {
      if (stay[slot]) continue
      for (const client of instance?.clients ?? []) {
        this.clock.after(this.#random.time(0.5, 100), undefined, () => {
          if (this.#old === old) client.connection?.cut?.(false, this.#random.chance(0.3))
        })
      }
    }
    this.clock.after(serves, undefined, () => { this.#demote(old, keepsConnections) })
  }

  /** Whether the master has what a comparison has announced. */
  knows (comparison) {
    return this.#master.server.hasJoin(comparison)
  }

  /** Makes a former master a replica of the present one. */
  #demote (host, keepsConnections) {
    if (host === this.#master) return
    if (this.#old === host) this.#old = undefined
    this.#stays = []
    host.resume()
    host.up = true
    if (!keepsConnections) for (const connection of [...host.connections]) connection.close(false)
    host.attach(this.#master, this.#random.time(1, 100))
  }

  #replace (slot) {
    const found = this.#slots[slot]
    if (found?.ended === false && !found.alive) this.clock.after(POLL_MS, undefined, () => { this.#replace(slot) })
    else if (!found?.alive) this.#begin(slot)
  }

  #publish (publication) {
    const { channel, key, idempotent, random, attempt } = publication
    // A message after the last one of its channel need not arrive before the end.
    if (attempt > ATTEMPTS || (this.#finishing && !publication.marker)) return
    const instance = this.#instance(attempt === 1 ? publication.instance : random.integer(0, 2))
    const again = () => {
      this.clock.after(random.time(2, 200), undefined, () => { this.#publish({ ...publication, attempt: attempt + 1 }) })
    }
    if (instance === undefined) { again(); return }
    let answered = false
    this.clock.after(random.next() * 2, instance.owner, () => {
      instance.publisher.publish(channel, key, idempotent ? { idempotencyKey: key } : undefined).then(({ id }) => {
        if (instance.ended) return
        this.oracle.acknowledge(channel, id, key, instance)
        if (publication.marker) this.#markers.set(channel, id)
        answered = true
      }, () => {
        if (!answered && idempotent) again()
        answered = true
      })
    })
    if (!idempotent) return
    this.clock.after(random.time(100, 1_000), undefined, () => {
      if (!answered) again()
      answered = true
    })
  }

  #connect (client, number, delay) {
    client.attempts = (client.attempts ?? 0) + 1
    const attempt = client.attempts
    this.clock.after(delay, undefined, () => {
      if (client.attempts !== attempt) return
      const instance = this.#instance(number)
      if (instance === undefined || instance.owner.paused) { this.#connect(client, this.#random.integer(0, 2), 50); return }
      const { events, cursor, channel } = client
      const subscriber = new FakeSubscriber(this, instance, client, this.#random.chance(0.3))
      this.#subscribers.set(client, subscriber)
      this.clock.enter(instance.owner, () => {
        void instance.hub.join(channel, subscriber, events ? cursor ?? 'now' : 'now', events).then(() => {
          this.#joined(client, subscriber)
        })
      })
    })
  }

  /** One that was kept waiting is looked at until it is served. */
  #joined (client, subscriber) {
    if (client.events || !subscriber.open || this.#subscribers.get(client) !== subscriber) return
    if (subscriber.offset >= 0) subscriber.join({ epoch: subscriber.epoch, offset: subscriber.offset })
    else this.clock.after(JOIN_POLL_MS, subscriber.instance.owner, () => { this.#joined(client, subscriber) })
  }

  #disconnect (client, lost) {
    const subscriber = this.#subscribers.get(client)
    if (subscriber === undefined) return false
    this.#subscribers.delete(client)
    subscriber.cut(lost)
    this.#release(subscriber)
    return true
  }

  #release (subscriber) {
    const { owner, hub } = subscriber.instance
    this.clock.after(owner.random.next() * 5, owner, () => { hub.leave(subscriber) })
  }

  /** An instance has closed a client's connection. */
  closed (client, subscriber) {
    if (this.#subscribers.get(client) !== subscriber) return
    this.#subscribers.delete(client)
    this.#release(subscriber)
    this.#connect(client, this.#random.integer(0, 2), this.#random.time(1, 200))
  }

  /** Everything works again from here on. */
  #heal () {
    this.note(() => '── everything heals')
    this.#healed = true
    this.#isolated = []
    for (const host of this.#hosts) if (host.paused) host.resume()
    if (this.#old !== undefined) this.#demote(this.#old, false)
    if (!this.#master.up) this.#master.start(undefined)
    for (const instance of this.#slots) if (instance?.owner.paused) this.clock.resume(instance.owner, true)
    if (!this.#slots.some((instance) => instance?.alive)) this.#begin(0)
    for (const subscriber of this.#subscribers.values()) subscriber.slow = false
    this.clock.after(SETTLING_MS, undefined, () => { this.#whenReady() })
  }

  #whenReady () {
    if (!this.#slots.every((instance) => instance === undefined || !instance.alive || instance.ready)) {
      this.clock.after(POLL_MS, undefined, () => { this.#whenReady() })
      return
    }
    this.#finishing = true
    for (let channel = 0; channel < this.setup.channels; channel++) {
      const random = new Random(this.seed, mix(channel, 0x3a4e))
      this.#publish({ channel: channelName(channel), key: `m${channel}`, idempotent: true, random, instance: 0, attempt: -100, marker: true })
    }
    this.#whenComplete()
  }

  /** Ends the run once every client has the last message of its channel. */
  #whenComplete () {
    for (const subscriber of this.#subscribers.values()) subscriber.arrive()
    if (!this.#isOver) { this.clock.after(POLL_MS, undefined, () => { this.#whenComplete() }); return }
    this.clock.after(LAST_MS, undefined, () => {
      // What arrived last may have begun another epoch.
      if (this.#isOver) this.clock.stop()
      else this.#whenComplete()
    })
  }

  /** Whether every client has the last message of its channel and receives what follows. */
  get #isOver () {
    return this.oracle.clients.every((client) => this.#isComplete(client) && this.#subscribers.get(client)?.offset >= 0)
  }

  /** Whether a client has the last message of its channel, or stands behind it; the log may go on under another epoch by then. */
  #isComplete ({ channel, cursor, received }) {
    const [epoch, offset] = this.#markers.get(channel)?.split(':') ?? []
    if (epoch === undefined || cursor === undefined) return false
    const { tree } = this.oracle
    const marker = tree.find(channel, epoch, Number(offset))
    return received.has(marker) || (cursor.offset >= marker.offset && tree.find(channel, cursor.epoch, marker.offset) === marker)
  }

  #checkMarkers () {
    for (const client of this.oracle.clients) {
      if (this.#isComplete(client)) {
        if (!(this.#subscribers.get(client)?.offset >= 0)) this.oracle.report('stuck', `${client.name} has everything and never goes live`)
        continue
      }
      const { cursor, name, channel } = client
      this.oracle.report('stuck', `${name} stands at ${cursor === undefined ? 'nothing' : `${cursor.epoch}:${cursor.offset}`} of ${channel}, whose last message is ${this.#markers.get(channel) ?? 'not acknowledged'}; ${this.#slots.map((instance) => `${instance?.name} ${instance?.ended ? 'ended' : JSON.stringify(instance?.hub.status)}`).join(', ')}`)
    }
  }
}

const channelOf = (key) => key.slice(1, key.indexOf('}'))
