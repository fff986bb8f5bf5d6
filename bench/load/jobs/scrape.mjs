import { performance } from 'node:perf_hooks'
import { cpuMicroseconds } from '../../measure/process.mjs'
import { ask } from '../ask.mjs'
import { subscribeAll } from '../subscribe.mjs'
import { failurePromise } from './failure.mjs'

const PATH = '/-/metrics'

/** Milliseconds, and server CPU time in microseconds, of a scrape while `connections` subscribers have a channel each. */
export async function scrape ({ target, pids, connections, warmUp, scrapes }) {
  const { failure, failed } = failurePromise()
  await Promise.race([failure, subscribeAll(target, connections, (number) => `scrape-${number}`, { message () {}, failed })])
  for (let count = 0; count < warmUp; count++) await ask(target, PATH)
  const text = await ask(target, PATH)
  for (const name of ['messenger_connections{transport="websocket"}', 'messenger_channels']) {
    if (!text.split('\n').includes(`${name} ${connections}`)) throw new Error(`${name} is not ${connections}`)
  }
  const cpu = cpuMicroseconds(pids)
  const ms = []
  for (let count = 0; count < scrapes; count++) {
    const from = performance.now()
    await ask(target, PATH)
    ms.push(performance.now() - from)
  }
  return { ms, serverMs: (cpuMicroseconds(pids) - cpu) / scrapes / 1_000, bytes: text.length }
}
