// node bench/scale.mjs [--quick]: what does it cost that two instances and their Redis are one messenger?
// One instance in memory and two with Redis, with as many subscribers an instance; Socket.IO in the same way.
import { cases } from './cases.mjs'
import { socketIo, socketIoRedis } from './peers/node-peers.mjs'
import { redisServer } from './peers/redis-server.mjs'
import { services } from './peers/service.mjs'
import { startDeployment } from './process/deployment.mjs'
import { runLoad } from './process/load.mjs'
import { programWhenMain } from './program.mjs'
import { inRounds } from './rounds.mjs'

// Two instances share a core, so that their code is compiled only after twice the time.
const FULL = { subscribers: 1_000, warmUpMs: 4_000, measureMs: 3_000, repetitions: 4, messages: 1_000 }
const QUICK = { subscribers: 200, warmUpMs: 500, measureMs: 1_000, repetitions: 1, messages: 100 }
const CASES = ['w1', 'w16', 'exact']

const deployments = [
  { id: 'messenger', name: '**fastify-messenger**, 1 instance', peer: services[0], instances: 1, redis: false },
  { id: 'messenger-redis', name: '**fastify-messenger**, 2 instances, Redis', peer: services[0], instances: 2, redis: true },
  { id: 'socket-io', name: 'Socket.IO, 1 server', peer: socketIo, instances: 1, redis: false },
  { id: 'socket-io-redis', name: 'Socket.IO, 2 servers, Redis Streams adapter', peer: socketIoRedis, instances: 2, redis: true }
]

/** Resolves to `{ settings, deployments, redis, cases }`, the medians of all repetitions. */
export async function scale ({ quick }) {
  const missing = redisServer.missing()
  if (missing !== undefined) throw new Error(missing)
  const settings = quick ? QUICK : FULL
  const measured = []
  for (const each of cases.filter(({ id }) => CASES.includes(id))) {
    const repetitions = each.once === true ? 1 : settings.repetitions
    const rows = await inRounds(each.id, deployments, { repetitions }, (deployment) => measureOnce(each, settings, deployment))
    measured.push({ id: each.id, title: each.title(settings), rows })
  }
  return {
    settings,
    redis: redisServer.version,
    deployments: deployments.map(({ id, name, peer, instances }) => ({ id, name, version: peer.version, instances })),
    cases: measured
  }
}

async function measureOnce (each, settings, deployment) {
  const { targets, pids, parts, gone, stop } = await startDeployment(deployment)
  try {
    const load = { targets, pids, parts, awake: true, ...each.options(settings) }
    return await Promise.race([gone, runLoad(each.job, load, deployment.instances * each.timeoutMs(settings))])
  } finally {
    await stop()
  }
}

await programWhenMain(import.meta, 'scale', scale)
