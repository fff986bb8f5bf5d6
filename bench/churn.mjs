// node bench/churn.mjs [--quick]: 100,000 subscribers come and go, each on a channel of its own; what is left?
// They leave in every way there is: close handshake, plain end, reset, and reset before the server has answered.
import { setTimeout as sleep } from 'node:timers/promises'
import { runLoad } from './process/load.mjs'
import { startObservedService } from './process/observed-service.mjs'
import { programWhenMain, progress } from './program.mjs'

const GONE_WITHIN_MS = 20_000

/** Resolves to `{ connections, samples }`: what the server holds after the warm-up and after each quarter. */
export async function churn ({ quick }) {
  const connections = quick ? 4_000 : 100_000
  const quarter = connections / 4
  const server = await startObservedService()
  try {
    const samples = []
    // Compiled code, pools and tables grow to their working size once; that is not a leak.
    for (let round = 0; round <= 4; round++) {
      await runLoad('churn', { target: server.target, connections: quarter, from: round * quarter }, 120_000)
      const sample = { after: round * quarter, ...await settledSample(server) }
      progress(`churn  ${sample.after} connections, heap ${(sample.heapBytes / 2 ** 20).toFixed(2)} MiB`)
      samples.push(sample)
    }
    return { connections, warmUp: quarter, samples }
  } finally {
    await server.stop()
  }
}

async function settledSample (server) {
  const deadline = Date.now() + GONE_WITHIN_MS
  for (;;) {
    const sample = await server.ask('sample')
    if (sample.connections === 0 && sample.channels === 0) {
      // Timers that end by themselves (a deadline for a handshake, a keep-alive) may still be on their way out.
      if (sample.timers === 0 || Date.now() > deadline - GONE_WITHIN_MS / 2) return sample
    } else if (Date.now() > deadline) return sample
    await sleep(500)
  }
}

await programWhenMain(import.meta, 'churn', churn)
