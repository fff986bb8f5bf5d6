import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { coreSeconds } from '../../measure/cores.mjs'
import { cpuMicroseconds } from '../../measure/process.mjs'

/**
 * Runs the load for `warmUpMs`, then measures for `measureMs`: how often `count()` went up, the CPU time of the
 * server (`pids`; of its processes by name too, where `parts` has their ids) and of this process, and how much of their two cores
 * others have used. `begin` is called between the two.
 */
export async function measureWindow ({ pids, parts = {}, warmUpMs, measureMs, count, begin = () => {} }) {
  await sleep(warmUpMs)
  begin()
  const from = sample(pids, parts, count)
  await sleep(measureMs)
  const to = sample(pids, parts, count)
  const seconds = (to.at - from.at) / 1_000
  const done = to.count - from.count
  const server = to.server - from.server
  const load = to.load - from.load
  const cores = to.cores - from.cores
  return {
    done,
    perSecond: done / seconds,
    cpuPerUnit: server * 1e6 / done,
    cpuPerUnitOf: Object.fromEntries(Object.keys(parts).map((name) => [name, (to.parts[name] - from.parts[name]) / done])),
    serverBusy: server / seconds,
    loadBusy: load / seconds,
    foreign: Math.max(0, cores - server - load) / seconds
  }
}

function sample (pids, parts, count) {
  const { user, system } = process.cpuUsage()
  const [serverCore = 0, loadCore = 0] = coreSeconds()
  return {
    at: performance.now(),
    count: count(),
    server: cpuMicroseconds(pids) / 1e6,
    parts: Object.fromEntries(Object.entries(parts).map(([name, ids]) => [name, cpuMicroseconds(ids)])),
    load: (user + system) / 1e6,
    cores: serverCore + loadCore
  }
}
