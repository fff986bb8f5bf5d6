import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { percentile } from '../../measure/statistics.mjs'
import { Publisher } from '../publisher.mjs'
import { ResumingClient } from '../resuming-client.mjs'
import { failurePromise } from './failure.mjs'

const CHANNEL = 'crowd'
const OPENING_AT_ONCE = 100
// To all of 10,000 subscribers that is 40,000 deliveries a second: a busy service, with time left for those who come back.
const PUBLISH_EVERY_MS = 250
const QUIET_BEFORE_CUT_MS = 2_000
const AFTER_RECOVERY_MS = 1_000
const LAST_MESSAGE_WITHIN_MS = 10_000
const POLL_MS = 20
const BIN_MS = 250

/**
 * All clients are cut at the same moment while messages go on being published; each comes back after its backoff with the id
 * that it saw last. Counts what each has got: its offsets must go on without a hole or a repetition.
 */
export async function reconnect ({ target, clients: count, recoverWithinMs }) {
  const { failure, failed } = failurePromise()
  const clients = await Promise.race([failure, openAll(target, count, failed)])
  const publishing = publishSteadily(target, failed)
  await Promise.race([failure, sleep(QUIET_BEFORE_CUT_MS)])

  const cutAt = performance.now()
  for (const client of clients) client.cut()
  await Promise.race([failure, until(() => clients.every(({ recoveredAt }) => recoveredAt !== undefined), recoverWithinMs)])
  await Promise.race([failure, sleep(AFTER_RECOVERY_MS)])
  const { last, published } = await publishing.stop()
  await Promise.race([failure, until(() => clients.every(({ position }) => position.offset === last), LAST_MESSAGE_WITHIN_MS)])
  return { clients: count, published, ...summary(clients, cutAt, last) }
}

function openAll (target, count, failed) {
  return new Promise((resolve) => {
    const clients = []
    let standing = 0
    const next = () => {
      if (clients.length === count) return
      const client = new ResumingClient(target, CHANNEL, () => {
        if (++standing === count) resolve(clients)
        else next()
      })
      clients.push(client)
      client.connect('now')
    }
    for (let opening = 0; opening < OPENING_AT_ONCE; opening++) next()
    // A server that does not say where a subscriber stands cannot be resumed.
    setTimeout(() => { if (standing < count) failed(new Error(`${count - standing} of ${count} subscribers were not told their position`)) }, 60_000).unref()
  })
}

function publishSteadily (target, failed) {
  const publisher = new Publisher(target, CHANNEL, failed)
  let published = 0
  let last = 0
  let busy = false
  const publish = () => {
    if (busy) return
    busy = true
    publisher.publish(published++, (body) => {
      busy = false
      last = Number(JSON.parse(body).id.split(':')[1])
    })
  }
  const timer = setInterval(publish, PUBLISH_EVERY_MS)
  return {
    async stop () {
      clearInterval(timer)
      await until(() => !busy, LAST_MESSAGE_WITHIN_MS)
      publisher.close()
      return { last, published }
    }
  }
}

function summary (clients, cutAt, last) {
  const recovered = clients.filter(({ recoveredAt }) => recoveredAt !== undefined)
  const recovery = recovered.map(({ recoveredAt }) => recoveredAt - cutAt)
  const curve = []
  for (const { connectedAt } of recovered) {
    const bin = Math.floor((connectedAt - cutAt) / BIN_MS)
    curve[bin] = (curve[bin] ?? 0) + 1
  }
  const total = (member) => clients.reduce((sum, client) => sum + client[member], 0)
  return {
    resumed: recovered.filter(({ position }) => position.offset === last).length,
    lost: total('lost') + clients.reduce((sum, { position }) => sum + last - position.offset, 0),
    duplicates: total('duplicates'),
    gaps: total('gaps'),
    failedAttempts: total('failedAttempts'),
    p50: percentile(recovery, 0.5),
    p99: percentile(recovery, 0.99),
    lastMs: Math.max(...recovery),
    binMs: BIN_MS,
    curve: Array.from(curve, (reconnects) => reconnects ?? 0)
  }
}

async function until (condition, withinMs) {
  const deadline = performance.now() + withinMs
  while (!condition() && performance.now() < deadline) await sleep(POLL_MS)
}
