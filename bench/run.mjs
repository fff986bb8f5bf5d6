// npm run bench: measures the service and its peers side by side and writes bench/RESULTS.md.
//
//   node bench/run.mjs                      peers, full size: about 15 minutes on two quiet cores
//   node bench/run.mjs --quick              small and short, prints only: for a look while developing
//   node bench/run.mjs --only=express-ws,messenger --cases=w16,posts --seconds=2 --reps=1     prints only, too
//   node bench/run.mjs --scale --compare --shared --reconnect --churn --logs --tokens --publisher --receipts --scrape
//                                           these programs instead of the peers; each is a command of its own as well
//   node bench/run.mjs --all                peers and all of those
//
// Exit code 1 when a target is missed.
import { parseArgs } from 'node:util'
import { churn } from './churn.mjs'
import { compare } from './compare.mjs'
import { logs } from './logs.mjs'
import { measurePeers } from './peers-run.mjs'
import { finish, measureAndKeep } from './program.mjs'
import { prepare } from './process/prepare.mjs'
import { publisher } from './publisher.mjs'
import { receipts } from './receipts.mjs'
import { reconnect } from './reconnect.mjs'
import { scale } from './scale.mjs'
import { scrape } from './scrape.mjs'
import { shared } from './shared.mjs'
import { tokens } from './tokens.mjs'

const FULL = {
  subscribers: 1_000, warmUpMs: 2_000, measureMs: 4_000, repetitions: 3, connections: 10_000, settleMs: 4_000, messages: 1_000
}
const QUICK = {
  subscribers: 200, warmUpMs: 500, measureMs: 1_000, repetitions: 1, connections: 1_000, settleMs: 1_000, messages: 100
}

await finish(async () => {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      scale: { type: 'boolean', default: false },
      shared: { type: 'boolean', default: false },
      compare: { type: 'boolean', default: false },
      reconnect: { type: 'boolean', default: false },
      churn: { type: 'boolean', default: false },
      logs: { type: 'boolean', default: false },
      base: { type: 'string' },
      tokens: { type: 'boolean', default: false },
      publisher: { type: 'boolean', default: false },
      receipts: { type: 'boolean', default: false },
      scrape: { type: 'boolean', default: false },
      only: { type: 'string' },
      cases: { type: 'string' },
      subscribers: { type: 'string' },
      seconds: { type: 'string' },
      reps: { type: 'string' },
      connections: { type: 'string' }
    }
  })
  const { quick, all, base, only, cases, subscribers, seconds, reps, connections } = values
  const partial = [only, cases, subscribers, seconds, reps, connections].some((value) => value !== undefined)
  const settings = {
    ...(quick ? QUICK : FULL),
    ...(subscribers !== undefined && { subscribers: count('subscribers', subscribers) }),
    ...(seconds !== undefined && { measureMs: count('seconds', seconds) * 1_000 }),
    ...(reps !== undefined && { repetitions: count('reps', reps) }),
    ...(connections !== undefined && { connections: count('connections', connections) })
  }
  prepare()

  const others = { scale, compare, shared, reconnect, churn, logs, tokens, publisher, receipts, scrape }
  const chosen = Object.keys(others).filter((name) => all || values[name])
  if (all || chosen.length === 0) {
    await measureAndKeep('peers', () => measurePeers(settings, { only: only?.split(','), cases: cases?.split(',') }), !quick && !partial)
  }
  for (const name of chosen) await measureAndKeep(name, () => others[name]({ quick, base, cases }), !quick && base === undefined)
})

function count (name, text) {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} is a whole number from 1, not ${text}`)
  return value
}
