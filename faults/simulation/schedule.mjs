import { Random } from './random.mjs'

/** Milliseconds in which all happens that can go wrong. */
export const ACTIVE_MS = 1_700

const WEIGHTS = {
  publish: 12, burst: 3, move: 3, join: 2, crash: 2, close: 1, still: 3, stall: 4, cut: 3, isolate: 2, server: 3, pause: 1, lag: 2,
  promote: 3, split: 2, home: 2, twice: 2, newcomer: 2, retry: 1, away: 1, back: 1, rename: 2, reaction: 8, slow: 1
}
/** Weights of the actions that happen during a script, and of the scripts. */
const REACTIONS = { promote: 4, server: 4, crash: 3, still: 3, stall: 3, cut: 3, isolate: 1, lag: 1, move: 1, publish: 1 }
const SCRIPTS = { Publish: 5, Join: 4, Decide: 4, Verify: 3, Witness: 2, Read: 2, Look: 2 }
/** Weights of the actions that lose nothing, and that are over before any timeout. */
const GENTLE = { publish: 12, burst: 3, move: 3, join: 2, restart: 3, switch: 3, rename: 3, slow: 1 }

/**
 * Makes the schedule of a seed: how the world is set up, and a list of actions. Each action stands for itself, so that any of
 * them can be left out.
 */
export function makeSchedule (seed) {
  const random = new Random(seed, 0x5ced)
  const gentle = random.chance(0.08)
  const pair = gentle || random.chance(0.7)
  const setup = {
    gentle,
    pair,
    instances: random.pick([2, 2, 3]),
    channels: random.pick([1, 1, 2]),
    // How far behind its master the replica is.
    replicaMs: gentle ? 3 : random.pick([3, 3, 30, 200]),
    size: gentle ? 100 : random.pick([100, 100, 20, 3, 0]),
    clients: random.integer(2, 4)
  }
  const actions = []
  const weights = gentle ? GENTLE : { ...WEIGHTS, ...!pair && { promote: 0, split: 0, home: 0, lag: 0, server: 6, twice: 4, newcomer: 3 } }
  for (let client = 0; client < setup.clients; client++) {
    actions.push({ at: client < 2 ? random.next() * 20 : random.next() * ACTIVE_MS, kind: 'subscribe', client, channel: random.integer(0, setup.channels - 1), events: random.chance(0.75), instance: random.integer(0, 2) })
  }
  const count = random.integer(4, 18)
  let reactions = 0
  for (let index = 0; index < count; index++) {
    const at = 30 + random.next() * (ACTIVE_MS - 30)
    const kind = random.weighted(weights)
    if (kind === 'reaction') reactions++
    else actions.push(...ACTIONS[kind](random, setup, at))
  }
  for (const action of actions) if (action.on === undefined) action.at = Math.min(Math.max(0, action.at), ACTIVE_MS)
  actions.sort((one, other) => one.at - other.at)
  for (; reactions > 0; reactions--) actions.push(react(random, setup))
  return { seed, setup, actions }
}

/** A fault right after a script was run, before the instance has the answer, or soon after. */
function react (random, setup) {
  const kind = random.weighted(setup.pair ? REACTIONS : { ...REACTIONS, promote: 0, lag: 0 })
  const after = random.chance(0.5) ? 0 : random.time(0.2, 60)
  const action = ACTIONS[kind](random, setup, 0).at(-1)
  // The first ones are those of the start.
  return { ...action, at: Infinity, on: { script: `messenger${random.weighted(SCRIPTS)}`, number: random.integer(1, 8), from: random.next() * ACTIVE_MS * 0.8, after }, ofCaller: random.chance(0.5) }
}

/** Some clients are not there for a while, so that they did not get what was lost then. */
function absent (random, setup, from, to) {
  const actions = []
  for (let client = 0; client < setup.clients; client++) {
    if (random.chance(0.6)) actions.push({ at: from, kind: 'move', client, instance: random.integer(0, 2), lost: 0, away: Math.max(1, to - from) * (1 + random.next()) })
  }
  return actions
}

const publish = (random, setup, at) => ({ at, kind: 'publish', channel: random.integer(0, setup.channels - 1), instance: random.integer(0, 2), salt: random.integer(0, 0xffffff), idempotent: random.chance(0.8), again: random.chance(0.25) ? random.time(1, 500) : undefined })

const ACTIONS = {
  publish: (random, setup, at) => [publish(random, setup, at)],
  burst: (random, setup, at) => Array.from({ length: random.integer(2, 5) }, () => publish(random, setup, at + random.next() * 15)),
  move: (random, setup, at) => [{ at, kind: 'move', client: random.integer(0, setup.clients - 1), instance: random.integer(0, 2), lost: random.integer(0, 3), away: random.chance(0.2) ? random.time(300, 1_500) : random.time(1, 300) }],
  // A client that is there already moves.
  join: (random, setup, at) => ACTIONS.move(random, setup, at),
  crash: (random, setup, at) => [{ at, kind: 'crash', instance: random.integer(0, 2), lost: random.integer(0, 3), back: random.chance(0.8) ? random.time(20, 1_500) : undefined }],
  close: (random, setup, at) => [{ at, kind: 'close', instance: random.integer(0, 2), back: random.chance(0.8) ? random.time(20, 1_500) : undefined }],
  still: (random, setup, at) => [{ at, kind: 'still', instance: random.integer(0, 2), lasts: random.time(10, 1_500), timersFirst: random.chance(0.7) }],
  stall: (random, setup, at) => [{ at, kind: 'stall', instance: random.integer(0, 2), connection: random.integer(0, 1), direction: random.pick(['answers', 'commands', 'both']), lasts: random.time(5, 1_000) }],
  cut: (random, setup, at) => [{ at, kind: 'cut', instance: random.integer(0, 2), connection: random.integer(0, 2), silent: random.chance(0.2), lostAnswers: random.chance(0.5) }],
  isolate: (random, setup, at) => [{ at, kind: 'isolate', instance: random.integer(0, 2), lasts: random.time(50, 1_500) }],
  restart: (random, setup, at) => [{ at, kind: 'server', keeps: 'all', lasts: random.time(5, 100), silent: false }],
  server: (random, setup, at) => [{ at, kind: 'server', keeps: random.weighted({ all: 4, part: 4, none: 1 }), part: random.next() ** 3, last: random.chance(0.5) ? random.integer(1, 6) : undefined, lasts: random.time(5, 800), silent: random.chance(0.2) }],
  pause: (random, setup, at) => [{ at, kind: 'pause', lasts: random.time(10, 800) }],
  lag: (random, setup, at) => [{ at, kind: 'lag', lasts: random.time(5, 600) }],
  switch: (random, setup, at) => [{ at, kind: 'promote', lossless: true, serves: 0, stay: [false, false, false], demote: 1 }],
  promote: (random, setup, at) => {
    const actions = []
    if (random.chance(0.5)) {
      const lag = random.time(2, 200)
      actions.push({ at: at - lag, kind: 'lag', lasts: lag + 1 })
      for (let count = random.integer(0, 2); count > 0; count--) {
        actions.push(publish(random, setup, at - random.next() * Math.min(lag, 10)))
      }
    }
    if (random.chance(0.4)) actions.push(...absent(random, setup, at - random.time(2, 60), at))
    if (random.chance(0.3)) actions.push({ at: at - random.next() * 10, kind: 'stall', instance: random.integer(0, 2), connection: random.integer(0, 1), direction: 'answers', lasts: random.time(10, 800) })
    if (random.chance(0.3)) actions.push({ at: at - random.next() * 10, kind: 'still', instance: random.integer(0, 2), lasts: random.time(10, 1_200), timersFirst: random.chance(0.7) })
    actions.push({
      at,
      kind: 'promote',
      lossless: random.chance(0.2),
      // How long the old master goes on serving; 0: it is dead.
      serves: random.chance(0.75) ? random.time(5, 1_200) : 0,
      stay: [random.chance(0.4), random.chance(0.4), random.chance(0.4)],
      // How long a dead one takes to come back, as a replica.
      demote: random.time(20, 1_000),
      keepsConnections: random.chance(0.3)
    })
    return actions
  },
  /** Both masters take messages, and a client comes to the new one meanwhile. */
  split: (random, setup, at) => {
    const slot = random.integer(0, setup.instances - 1)
    const other = (slot + 1) % setup.instances
    const serves = random.time(50, 1_200)
    const actions = [{ at, kind: 'promote', lossless: random.chance(0.5), serves, stay: [0, 1, 2].map((number) => number === slot), demote: 1, keepsConnections: random.chance(0.3) }]
    for (let count = random.integer(1, 4); count > 0; count--) {
      const instance = random.chance(0.6) ? slot : other
      actions.push({ ...publish(random, setup, at + random.next() * serves), instance })
    }
    if (random.chance(0.7)) actions.push({ at: at + random.next() * serves, kind: 'subscribe', client: actions.length + Math.floor(at) * 10, channel: random.integer(0, setup.channels - 1), events: random.chance(0.75), instance: random.chance(0.7) ? other : slot })
    if (random.chance(0.4)) actions.push(...ACTIONS.move(random, setup, at + random.next() * serves * 1.5))
    if (random.chance(0.2)) actions.push({ at: at + serves * (0.5 + random.next()), kind: 'crash', instance: slot, lost: 0, back: random.time(20, 500) })
    return actions
  },
  /** An instance goes to the new master and back to the old one, which may be the only one again; then the newest data are lost. */
  home: (random, setup, end) => {
    const at = end / 2
    const slot = random.integer(0, setup.instances - 1)
    const serves = random.time(100, 1_200)
    const later = at + serves * (0.3 + random.next() * 0.7)
    const actions = [{ at: at - 20, kind: 'lag', lasts: 40 }, ...absent(random, setup, at - 12, later + 30)]
    const acknowledge = (from, to) => { actions.push({ ...publish(random, setup, from + random.next() * (to - from)), instance: slot }) }
    for (let count = random.integer(1, 3); count > 0; count--) acknowledge(at - 10, at)
    const stay = [0, 1, 2].map((number) => number !== slot && random.chance(0.7))
    actions.push({ at, kind: 'promote', lossless: false, serves, stay, demote: 1, keepsConnections: random.chance(0.3) })
    const back = { kind: 'side', instance: slot, stays: true, lostAnswers: random.chance(0.5) }
    actions.push(random.chance(0.5)
      ? { ...back, at: at + random.next() * serves }
      : { ...back, at: Infinity, on: { script: random.pick(['messengerVerify', 'messengerJoin', 'messengerDecide', 'messengerDecide']), number: random.integer(1, 4), from: at, after: random.next() * 20 }, ofCaller: true })
    for (let count = random.integer(0, 2); count > 0; count--) acknowledge(at, at + serves)
    if (random.chance(0.3)) actions.push({ at: at + random.next() * serves, kind: 'side', instance: random.integer(0, 2), stays: random.chance(0.5), lostAnswers: random.chance(0.5) })
    if (random.chance(0.6)) actions.push({ at: later, kind: 'withdraw', keepsConnections: random.chance(0.3) })
    if (random.chance(0.6)) actions.push({ at: later + random.time(1, 100), kind: 'server', keeps: 'part', part: 0, last: random.integer(1, 8), lasts: random.time(5, 100), silent: false })
    if (random.chance(0.3)) actions.push({ at: at + serves + random.time(1, 60), kind: 'close', instance: slot, back: random.chance(0.5) ? random.time(20, 500) : undefined })
    return actions
  },
  /** The next term begins before everybody has followed to the one before. */
  twice: (random, setup, at) => {
    const later = at + random.time(5, 1_200)
    const actions = [...ACTIONS[setup.pair && random.chance(0.5) ? 'promote' : 'server'](random, setup, at), ...ACTIONS[setup.pair && random.chance(0.3) ? 'promote' : 'server'](random, setup, later)]
    if (random.chance(0.5)) actions.push({ at: at + random.time(1, 100) - 50, kind: 'still', instance: random.integer(0, 2), lasts: random.time(100, 1_200), timersFirst: random.chance(0.7) })
    if (random.chance(0.3)) actions.push({ at: at - random.time(1, 50), kind: 'crash', instance: random.integer(0, 2), lost: random.integer(0, 3), back: random.chance(0.8) ? random.time(20, 1_500) : undefined })
    if (random.chance(0.3)) actions.push({ at: at - random.next() * 20, kind: 'move', client: random.integer(0, setup.clients - 1), instance: random.integer(0, 2), lost: random.integer(0, 3), away: random.time(300, 1_500) })
    for (let count = random.integer(0, 3); count > 0; count--) actions.push(publish(random, setup, at + (random.next() - 0.5) * 100))
    return actions
  },
  /** An instance that has just come acknowledges something, and ends together with the last data. */
  newcomer: (random, setup, at) => {
    const instance = setup.instances === 2 ? 2 : random.integer(0, 2)
    const comes = at - random.time(150, 450)
    const actions = [setup.instances === 2 ? { at: comes, kind: 'start', instance } : { at: comes, kind: 'close', instance, back: 1 }]
    for (let count = random.integer(1, 3); count > 0; count--) {
      actions.push({ ...publish(random, setup, at - random.next() * 40), instance, idempotent: random.chance(0.3) })
    }
    actions.push(...absent(random, setup, at - 50, at))
    if (random.chance(0.3)) actions.push({ at: comes + random.next() * 60, kind: 'still', instance: instance + 1, lasts: random.time(100, 500), timersFirst: true })
    actions.push({ at: at + (random.next() - 0.3) * 3, kind: 'crash', instance, lost: random.integer(0, 3), back: random.chance(0.5) ? random.time(20, 1_500) : undefined })
    if (setup.pair && random.chance(0.5)) {
      actions.push({ at: comes - 10, kind: 'lag', lasts: at - comes + 30 }, { at, kind: 'promote', lossless: false, serves: random.chance(0.3) ? random.time(5, 300) : 0, stay: [false, false, false], demote: random.time(20, 1_000), keepsConnections: false })
    } else {
      actions.push({ at: at + 3, kind: 'server', keeps: 'part', part: random.next(), last: random.chance(0.8) ? random.integer(2, 10) : undefined, lasts: random.time(5, 300), silent: false })
    }
    return actions
  },
  /** A message is taken and its answer lost; the publisher tries again, and then the message is lost. */
  retry: (random, setup, at) => {
    const sent = publish(random, setup, at)
    const lost = at + random.time(80, 300)
    const lag = [{ at: at - random.time(1, 20), kind: 'lag', lasts: lost - at + 30 }]
    const cut = { at: Infinity, on: { script: 'messengerPublish', number: 1, from: at, after: 0 }, ofCaller: true, kind: 'cut', instance: sent.instance, connection: random.pick([0, 2]), silent: false, lostAnswers: true }
    const loss = setup.pair && random.chance(0.6)
      ? { at: lost, kind: 'promote', lossless: false, serves: 0, stay: [false, false, false], demote: random.time(20, 1_000), keepsConnections: false }
      : { at: lost, kind: 'server', keeps: 'part', part: 0, last: random.integer(1, 5), lasts: random.time(5, 200), silent: false }
    return [...lag, ...absent(random, setup, at - 1, lost), { ...sent, idempotent: true, again: undefined }, cut, loss]
  },
  /** Something is lost together with who acknowledged it, and the next term begins before the subscribers come back. */
  away: (random, setup, at) => {
    const instance = random.integer(0, setup.instances - 1)
    const actions = [{ at: at - 20, kind: 'lag', lasts: 40 }, { ...publish(random, setup, at - random.next() * 10), instance }, { at: at + random.next(), kind: 'crash', instance, lost: 0, back: undefined }]
    for (let client = 0; client < setup.clients; client++) actions.push({ at: at - random.next() * 25, kind: 'move', client, instance: instance + random.integer(1, 2), lost: 0, away: random.time(900, 1_500) })
    actions.push(setup.pair
      ? { at: at + 1, kind: 'promote', lossless: false, serves: 0, stay: [false, false, false], demote: random.time(20, 1_000), keepsConnections: false }
      : { at: at + 1, kind: 'server', keeps: 'part', part: 0, last: random.integer(1, 4), lasts: random.time(5, 50), silent: false })
    actions.push({ at: at + random.time(560, 1_000), kind: 'server', keeps: 'all', lasts: random.time(5, 50), silent: false })
    return actions
  },
  /** A new master has compared, and then loses that together with what it had compared. */
  back: (random, setup, at) => {
    const later = at + (random.chance(0.5) ? random.time(60, 300) : random.time(600, 900))
    const actions = [{ at: at - 20, kind: 'lag', lasts: 40 }, ...absent(random, setup, at - 12, later)]
    for (let count = random.integer(1, 3); count > 0; count--) actions.push(publish(random, setup, at - random.next() * 10))
    if (later > at + 600 || random.chance(0.2)) actions.push({ at: at - random.next() * 5, kind: 'still', instance: random.integer(0, 2), lasts: later - at + random.time(1, 200), timersFirst: random.chance(0.7) })
    actions.push(setup.pair
      ? { at, kind: 'promote', lossless: false, serves: 0, stay: [false, false, false], demote: random.time(20, 200), keepsConnections: false }
      : { at, kind: 'server', keeps: 'part', part: 0, last: random.integer(1, 4), lasts: random.time(5, 50), silent: false })
    actions.push({ at: later, kind: 'server', keeps: 'part', part: 0, last: random.integer(2, 14), lasts: random.time(5, 100), silent: false })
    return actions
  },
  /** A master goes on under another `master_replid`, as when its first replica attaches. */
  rename: (random, setup, at) => {
    const actions = [{ at, kind: 'rename' }]
    if (setup.gentle) return actions
    for (let count = random.integer(0, 4); count > 0; count--) actions.push(publish(random, setup, at + random.next() * 40))
    if (random.chance(0.3)) actions.push(...absent(random, setup, at + 20, at + 60), ...ACTIONS[setup.pair ? 'promote' : 'server'](random, setup, at + random.time(10, 80)))
    return actions
  },
  slow: (random, setup, at) => [{ at, kind: 'slow', client: random.integer(0, setup.clients - 1), lasts: random.time(10, 800) }]
}
