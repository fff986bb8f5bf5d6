// Measures every case for every peer.
import { cases } from './cases.mjs'
import { openFilesLimit } from './measure/process.mjs'
import { availablePeers } from './peers/index.mjs'
import { runLoad } from './process/load.mjs'
import { startServer } from './process/server.mjs'
import { inRounds } from './rounds.mjs'

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
    peers: entrants.map(({ peer: { id, name, version }, skipped }) => {
      return { id, name, skipped, version: skipped === undefined ? version : undefined }
    }),
    cases: measured
  }
}

async function measureCase (each, settings, entrants) {
  const measured = entrants.filter(({ peer, skipped }) => skipped === undefined && each.skip?.(peer) !== true).map(({ peer }) => peer)
  const rounds = { repetitions: each.once === true ? 1 : settings.repetitions, tries: MAX_TRIES }
  return await inRounds(each.id, measured, rounds, (peer) => measureOnce(each, settings, peer))
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
