// node bench/logs.mjs [--quick]: 1,000,000 channels, published to once each, under the default HISTORY_MAX_BYTES; how much memory?
import { startObservedService } from './process/observed-service.mjs'
import { programWhenMain, progress } from './program.mjs'

const PROBES = 1_000

/** Resolves to `{ channels, maxBytes, samples, kept }`: memory before and after each quarter, and the share of logs that are left. */
export async function logs ({ quick }) {
  const channels = quick ? 40_000 : 1_000_000
  const quarter = channels / 4
  const server = await startObservedService()
  try {
    const samples = [{ published: 0, seconds: 0, ...await server.ask('sample') }]
    for (let from = 0; from < channels; from += quarter) {
      const { seconds } = await server.ask({ publish: quarter, from })
      samples.push({ published: from + quarter, seconds, ...await server.ask('sample') })
      progress(`logs  ${from + quarter} channels, heap ${(samples.at(-1).heapBytes / 2 ** 20).toFixed(1)} MiB`)
    }
    const names = Array.from({ length: PROBES }, (_, probe) => `log-${Math.floor(probe * channels / PROBES)}`)
    const { kept } = await server.ask({ kept: names })
    return { channels, maxBytes: 64 * 2 ** 20, samples, kept: kept === undefined ? null : kept / PROBES * channels }
  } finally {
    await server.stop()
  }
}

await programWhenMain(import.meta, 'logs', logs)
