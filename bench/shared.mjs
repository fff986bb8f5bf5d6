// node bench/shared.mjs [--quick]: what do connections with several channels cost, beside as many with one channel?
import { setTimeout as sleep } from 'node:timers/promises'
import { localAddress, severalChannels, subscribeAll } from './load/subscribe.mjs'
import { median } from './measure/statistics.mjs'
import { services } from './peers/service.mjs'
import { startDeployment } from './process/deployment.mjs'
import { runLoad } from './process/load.mjs'
import { startObservedService } from './process/observed-service.mjs'
import { programWhenMain, progress } from './program.mjs'
import { inRounds } from './rounds.mjs'

const FULL = { connections: 2_000, rounds: 5, subscribers: 1_000, warmUpMs: 3_000, measureMs: 4_000, repetitions: 5 }
const QUICK = { connections: 500, rounds: 1, subscribers: 200, warmUpMs: 500, measureMs: 1_000, repetitions: 1 }
const CHANNELS = 20
const AROUND_MS = 60_000
const SETTLE_MS = 500

const entrants = [
  { id: 'channels', name: `${CHANNELS} channels a connection, one message to each`, channels: CHANNELS },
  { id: 'messages', name: `1 channel a connection, ${CHANNELS} messages`, channels: 1 }
]

/** Resolves to `{ settings, channels, memory, bursts, entrants }`: medians of rounds in which both take turns. */
export async function shared ({ quick }) {
  const settings = quick ? QUICK : FULL
  const memory = []
  for (let round = 1; round <= settings.rounds; round++) {
    progress(`memory  round ${round}/${settings.rounds}`)
    const one = await bytesPerConnection(settings.connections, 1)
    const many = await bytesPerConnection(settings.connections, CHANNELS)
    memory.push({ one, many, further: (many - one) / (CHANNELS - 1) })
  }
  const bursts = await inRounds('bursts', entrants, settings, (entrant) => burst(settings, entrant))
  return {
    settings,
    channels: CHANNELS,
    memory: { rounds: memory, ...Object.fromEntries(['one', 'many', 'further'].map((name) => [name, median(memory.map((round) => round[name]))])) },
    bursts,
    entrants: entrants.map(({ id, name }) => ({ id, name }))
  }
}

/** Heap and buffers that an idle connection holds, after garbage collection. */
async function bytesPerConnection (connections, channels) {
  const server = await startObservedService()
  try {
    const names = Array.from({ length: channels }, (_, index) => `channel-${index + 1}`)
    // Code is compiled, and tables are made, once.
    for (const subscriber of await open(server.target, connections, names)) subscriber.leave()
    await sleep(SETTLE_MS)
    const before = await server.ask('sample')
    await open(server.target, connections, names)
    const after = await server.ask('sample')
    if (after.channels !== channels) throw new Error(`${after.channels} channels instead of ${channels}`)
    return (after.heapBytes - before.heapBytes) / connections
  } finally {
    await server.stop()
  }
}

/** Resolves to so many subscribers with all of these channels. */
function open (target, count, names) {
  return subscribeAll(target, count, severalChannels(names), { message () {}, failed () {}, localAddress })
}

async function burst ({ subscribers, warmUpMs, measureMs }, { channels }) {
  const deployment = await startDeployment({ peer: services[0], instances: 1, redis: false })
  try {
    const { targets: [target], pids } = deployment
    const options = { target, pids, subscribers, channels, messages: CHANNELS, warmUpMs, measureMs }
    return await Promise.race([runLoad('bursts', options, warmUpMs + measureMs + AROUND_MS), deployment.gone])
  } finally {
    await deployment.stop()
  }
}

await programWhenMain(import.meta, 'shared', shared)
