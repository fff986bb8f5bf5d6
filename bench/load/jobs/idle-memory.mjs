import { setTimeout as sleep } from 'node:timers/promises'
import { residentBytes } from '../../measure/process.mjs'
import { subscribeAll } from '../subscribe.mjs'
import { failurePromise } from './failure.mjs'

const SAMPLE_MS = 500
const STABLE_WITHIN = 0.005

/** Resident memory of the server before and after `connections` subscribers have joined and nothing more happens. */
export async function idleMemory ({ target, pids, connections, settleMs }) {
  const { failure, failed } = failurePromise()
  const before = await settledBytes(pids, settleMs)
  const subscribers = await Promise.race([failure, subscribeAll(target, connections, 'idle', { message () {}, failed })])
  const after = await Promise.race([failure, settledBytes(pids, settleMs)])
  const open = subscribers.filter(({ isReady, sink }) => isReady && sink !== undefined).length
  return { open, before, after, bytesPerConnection: (after - before) / open }
}

// V8 and allocators give memory back a while after the work is done: the value counts once it has held for `settleMs`,
// or after three times as long.
async function settledBytes (pids, settleMs) {
  const samples = []
  const enough = Math.ceil(settleMs / SAMPLE_MS)
  for (;;) {
    const bytes = residentBytes(pids)
    samples.push(bytes)
    const recent = samples.slice(-enough)
    const stable = samples.length >= enough && Math.max(...recent) - Math.min(...recent) <= STABLE_WITHIN * bytes
    if (stable || samples.length >= 3 * enough) return bytes
    await sleep(SAMPLE_MS)
  }
}
