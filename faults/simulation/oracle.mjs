import { Tree } from './tree.mjs'

/**
 * Decides whether the promise was kept: whatever was acknowledged reaches every subscriber once and in order, or the subscriber is
 * told of a gap that covers it.
 *
 * A gap covers a message when the subscriber goes on where it does not come to it, and either stood before it, as far as the old and the
 * new position have a way in common, or is told after the message was published. A change of epoch without a gap may pass over
 * nothing that was acknowledged.
 *
 * Some messages are lost silently and nothing can be done about it (see run.mjs); it takes an instance that ended after
 * it had acknowledged and before it compared: `#isExcused`.
 */
export class Oracle {
  violation
  /** Numbers of the run. */
  acknowledged = 0
  deliveries = 0
  gaps = 0
  tree = new Tree((kind, text) => { this.report(kind, text) })
  #world
  #clients = []
  /** Changes of epoch without a gap, each to be looked at once more at the end. */
  #carried = []

  constructor (world) {
    this.#world = world
  }

  get now () {
    return this.#world.clock.now
  }

  /** @param line gives a line about what happens */
  trace (line) {
    this.#world.note(line)
  }

  report (kind, text) {
    if (this.violation !== undefined) return
    this.violation = { kind, text, at: this.now }
    this.#world.clock.stop()
  }

  add (client) {
    this.#clients.push(client)
  }

  get clients () {
    return this.#clients
  }

  /** A publisher got a 200. */
  acknowledge (channel, id, key, instance) {
    const { safe, onReplicas } = instance
    this.acknowledged++
    this.trace(() => `${instance.name} acknowledges ${key} as ${id}${safe ? '' : ' (not safe)'}`)
    const colon = id.lastIndexOf(':')
    const entry = this.tree.find(channel, id.slice(0, colon), Number(id.slice(colon + 1)))
    if (entry?.key !== key) { this.report('mixed up', `${key} was acknowledged as ${id}, which is ${entry?.key ?? 'nothing'}`); return }
    entry.acknowledgements.push({ at: this.now, instance, server: instance.server, safe, onReplicas })
  }

  /** A client was handed a message; gives its place. */
  check (client, epoch, offset, key) {
    this.deliveries++
    const entry = this.tree.find(client.channel, epoch, offset)
    if (entry?.key !== key) this.report('mixed up', `${client.name} gets ${key} as ${epoch}:${offset}, which is ${entry?.key ?? 'nothing'}`)
    return entry
  }

  take (client, entry, epoch) {
    const before = client.received.get(entry)
    if (before !== undefined && (before.epoch === epoch || !this.#hasReturned(client, entry, before.moves))) {
      this.report('twice', `${client.name} gets ${entry.key} (${entry.epoch.name}:${entry.offset}) twice`)
    }
    client.received.set(entry, { epoch, moves: client.moves.length })
  }

  /**
   * Whether a client has been, since some of its moves, at a master that did not have a message, and came back behind a gap. Where the
   * log has another epoch meanwhile, no client can tell that it had the message (docs/instances.md).
   */
  #hasReturned ({ channel, moves }, entry, since) {
    const isElsewhere = ({ epoch }) => this.tree.find(channel, epoch, entry.offset) !== entry
    return moves.slice(since).some(({ gap, from }) => gap && from !== undefined && isElsewhere(from))
  }

  moved (client, move) {
    if (move.gap) {
      this.gaps++
      if (this.#world.setup.gentle && client.events) this.report('false gap', `${client.name} is told of a gap from ${text(move.from)} to ${text(move.to)}, although nothing can be lost`)
      return
    }
    if (move.from.epoch === move.to.epoch) return
    const carried = { client, ...move }
    this.#carried.push(carried)
    const term = this.tree.termOf(client.channel, move.to.epoch)
    // An instance that acknowledged before the decision, and was safe in the register, has compared it, unless it compared before and then
    // changed to another master. The others compare once they are back.
    const wasCompared = ({ at, safe, instance }) => at <= term?.decidedAt && safe &&
      !instance.comparisons.some((comparison) => comparison.term === term.name && comparison.at < at)
    for (const entry of this.tree.entries(client.channel)) {
      if (entry.acknowledgements.some(wasCompared) && this.#passes(carried, entry) && !this.#isExcused(entry, false)) {
        this.report('passed over', `${client.name} goes from ${text(move.from)} to ${text(move.to)} without a gap, and ${entry.key} (${entry.epoch.name}:${entry.offset}) was acknowledged at ${Math.round(entry.acknowledgements[0].at)} ms`)
      }
    }
  }

  /** To be called once everybody had the time to catch up. */
  conclude () {
    for (const client of this.#clients) {
      if (client.since === undefined) { this.report('stuck', `${client.name} was never told where it stands`); continue }
      for (const entry of this.tree.entries(client.channel)) {
        if (client.received.has(entry) || client.dropped.has(entry)) continue
        if (entry.acknowledgements.length > 0 && this.#isLost(client, entry)) {
          this.report('lost', `${client.name} never got ${entry.key} (${entry.epoch.name}:${entry.offset}, acknowledged at ${Math.round(entry.acknowledgements[0].at)} ms), and no gap covers that`)
        }
      }
    }
  }

  #isLost (client, entry) {
    const { tree } = this
    const { moves } = client
    const gaps = moves.filter(({ gap }) => gap)
    // It stands where it should have come by.
    if (tree.isAhead(entry, gaps.at(-1).to)) return !this.#isExcused(entry, false)
    const first = entry.acknowledgements[0].at
    if (gaps.some(({ at, from }) => from !== undefined && (at >= first || at >= entry.at))) return false
    // The gap at which it left the branch stands for all of it, also for what comes later.
    if (gaps.some(({ from, to }) => from !== undefined && tree.isAhead(entry, tree.fork(client.channel, from, to)))) return false
    const passed = this.#carried.some((move) => move.client === client && this.#passes(move, entry))
    if (passed || gaps.some(({ to }) => tree.isAhead(entry, to))) return !this.#isExcused(entry, false)
    // It was appended while the client was subscribed to another branch.
    return entry.at > client.since && !this.#isExcused(entry, true)
  }

  #passes ({ client, from, to }, entry) {
    return this.tree.isAhead(entry, from) && !this.tree.isAhead(entry, to) && !client.received.has(entry)
  }

  /**
   * Whether each instance that acknowledged a message ended before it could compare it with another server than the one that has it (a
   * comparison with that one tells nothing, and neither does one whose announcements are lost), and was either not safe in the
   * register, which may have lost it then, or safe by its replicas alone before a master lost data, or the subscriber never stood on this
   * branch.
   */
  #isExcused ({ acknowledgements }, elsewhere) {
    return acknowledgements.every(({ at, instance, server, safe, onReplicas }) => {
      const isOf = (comparison) => comparison.at > at && comparison.server !== server && this.#world.knows(comparison)
      const compared = instance.comparisons.some(isOf)
      return instance.ended && !compared && (elsewhere || !safe || (onReplicas && this.#world.rolledBackAt > at))
    })
  }
}

const text = ({ epoch, offset }) => `${epoch}:${offset}`
