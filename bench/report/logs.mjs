import { countFailed, integer, mebibytes, number, provenance, table, verdicts } from './format.mjs'

// A bound that is reached must hold: what comes after it may not grow by more than noise.
const MAX_LATE_GROWTH = 2 ** 20

/** The section on the memory of very many logs. */
export function logsSection (result) {
  const { channels, maxBytes, samples, kept } = result
  const [first, last] = [samples[0], samples.at(-1)]
  const grown = last.heapBytes - first.heapBytes
  const late = last.heapBytes - samples.at(-2).heapBytes
  const bounded = kept === null || kept < channels
  const targets = [
    { what: 'MiB of heap that the logs hold', limit: `at most ${mebibytes(maxBytes)}, HISTORY_MAX_BYTES`, value: mebibytes(grown), ok: grown <= maxBytes },
    { what: 'MiB of heap that the last quarter of the channels adds once the bound is reached', limit: `at most ${mebibytes(MAX_LATE_GROWTH)}`, value: bounded ? mebibytes(late) : undefined, ok: late <= MAX_LATE_GROWTH }
  ]
  const parts = [
    `## ${integer(channels)} channels, published to once each`,
    provenance(result.machine),
    `100-byte messages, published in process with \`app.channels.publish\`, default \`HISTORY_MAX_BYTES\`; garbage is collected before each sample. ${kept === null ? '' : `At the end about ${integer(kept)} channels still have their message (probed at ${integer(1_000)} of them).`}`,
    verdicts(targets),
    table(['published', 'heap, MiB', 'RSS, MiB', 'µs/publish'], samples.map(({ published, heapBytes, residentBytes, seconds }, index) =>
      [integer(published), mebibytes(heapBytes), mebibytes(residentBytes), index === 0 ? '–' : number(seconds * 1e6 / (published - samples[index - 1].published))]))
  ]
  return { markdown: parts.join('\n\n'), failed: countFailed(targets) }
}
