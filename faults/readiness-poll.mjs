// A thread that asks instances whether they are ready: the one that plays all subscribers may be too busy to read an answer in time.
import { setTimeout as delay } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { whyNotReady } from './ready.mjs'

const POLL_MS = 50
/** The time of all threads, in milliseconds. */
const now = () => performance.timeOrigin + performance.now()

async function follow (port) {
  for (;;) {
    const askedAt = now()
    const reason = await whyNotReady(port)
    parentPort.postMessage({ port, reason, askedAt, answeredAt: now() })
    await delay(POLL_MS)
  }
}

for (const port of workerData) void follow(port)
