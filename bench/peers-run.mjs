// Measures every case for every peer, interleaved: one round over all peers, then the next, so that a noisy minute of the
// machine hits all alike.
import { cases } from './cases.mjs'
import { MAX_FOREIGN } from './measure/cores.mjs'
import { openFilesLimit } from './measure/process.mjs'
import { medians } from './measure/statistics.mjs'
import { availablePeers } from './peers/index.mjs'
import { runLoad } from './process/load.mjs'
import { startServer } from './process/server.mjs'
import { progress } from './program.mjs'

const MAX_TRIES = 3
const SPARE_FILES = 200

/** Resolves to `{ settings, peers, cases }`, the medians of all repetitions. `only` and `cases` choose by id. */
export async function measurePeers (settings, { only, cases: caseIds }) {
  const connections = Math.min(settings.connections, openFilesLimit() - SPARE_FILES)
  const actual = { ...settings, connections }
  const entrants = availablePeers(only)
  const wanted = cases.filter(({ id }) => caseIds === undefined || caseIds.includes(id))
  const measured = []
  for (const each of wanted) measured.push({ id: each.id, title: each.title(actual), rows: await measureCase(each, actual, entrants) })
  return {
    settings: actual,
    peers: entrants.map(({ peer: { id, name, version }, skipped }) => ({ id, name, skipped, version: skipped === undefined ? version : undefined })),
    cases: measured
  }
}

async function measureCase (each, settings, entrants) {
  const rows = entrants.filter(({ peer, skipped }) => skipped === undefined && each.skip?.(peer) !== true).map(({ peer }) => ({ peer, runs: [] }))
  const repetitions = each.once === true ? 1 : settings.repetitions
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    for (const row of rows.filter(({ error }) => error === undefined)) {
      progress(`${each.id}  round ${repetition}/${repetitions}  ${row.peer.id}`)
      try {
        row.runs.push(await measureQuietly(each, settings, row.peer))
      } catch (error) {
        // Told in the table; the others go on.
        row.error = error.message
        progress(`  ${error.message}`)
      }
    }
  }
  return rows.map(({ peer, runs, error }) => error === undefined ? { id: peer.id, ...medians(runs), runs } : { id: peer.id, error })
}

// The quietest of at most three tries.
async function measureQuietly (each, settings, peer) {
  let best
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const result = await measureOnce(each, settings, peer)
    if (best === undefined || result.foreign < best.foreign) best = result
    if (best.foreign === undefined || best.foreign <= MAX_FOREIGN) break
  }
  return best
}

async function measureOnce (each, settings, peer) {
  const server = await startServer(peer)
  try {
    const load = runLoad(each.job, { target: server.target, pids: server.pids, ...each.options(settings) }, each.timeoutMs(settings))
    return await Promise.race([load, server.gone])
  } finally {
    await server.stop()
  }
}
