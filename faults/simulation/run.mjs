/**
 * `npm run simulate`: does the promise hold in every order of events?
 *
 * Two or three real instances (broker, feed, hub, replay), with a master and perhaps a replica that are models (redis/), run in
 * virtual time (clock.mjs). A seed makes a schedule (schedule.mjs): what is published, who subscribes and moves, and which faults happen
 * when, or in the middle of what. Every connection, instance and subscriber draws its delays from a sequence of its own. At the end
 * everything heals, and everybody has to catch up. The oracle (oracle.mjs) knows what really stands in the logs.
 *
 * Violations that no rule can prevent are excluded by these conditions and by no others:
 * - a message all of whose acknowledging instances ended before they could compare, or after a comparison that no data contain, while
 *   none of them was safe in the register: the register may be lost with the message;
 * - the same where they were safe because every replica had their registrations (WAIT), and a master came back without the end of its
 *   data: its replicas then take over what it has. (A witness that remembers them helps, unless it stands still from their start on.)
 * - the same where the instances were safe, for a subscriber that never stood before the message: it joined another branch, and the
 *   instance that could tell it is gone;
 * - a message that is handed over again to a client without events: it resumes from nothing. (One with events keeps the last offset of
 *   its last four epochs.)
 */
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'

const USAGE = `usage: npm run simulate -- [--schedules <n>] [--seed <n>] [--workers <n>] [--all]
       npm run simulate -- --repeat <seed> [--trace] [--whole]
       npm run simulate -- --mistakes [--schedules <n>] [--seed <n>]

  --schedules  how many to run (10,000)
  --seed       of the first one; the others follow. Drawn anew when it is not given
  --workers    threads (2, or as many as there are processors)
  --all        goes on after a violation
  --repeat     runs one schedule and, where it fails, finds the shortest part of it that does
  --trace      shows all that happens in it
  --whole      does not look for a shorter one
  --mistakes   plants each of mistakes.mjs in a copy and tells after how many schedules it is found

A signal ends a run with the result so far.
`
const PORTION = 200
/** The exit code after a signal. */
const INTERRUPTED = 130
/** Between two lines of progress. */
const PROGRESS_MS = 60_000
const OPTIONS = {
  schedules: { type: 'string', default: '10000' },
  seed: { type: 'string' },
  workers: { type: 'string', default: String(Math.min(2, availableParallelism())) },
  all: { type: 'boolean', default: false },
  repeat: { type: 'string' },
  trace: { type: 'boolean', default: false },
  whole: { type: 'boolean', default: false },
  mistakes: { type: 'boolean', default: false },
  only: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false }
}

function fail (text) {
  process.stderr.write(`${text}\n\n${USAGE}`)
  process.exit(2)
}

function number (options, name, minimum) {
  const value = Number(options[name])
  if (!Number.isInteger(value) || value < minimum || value >= 2 ** 32) fail(`--${name} must be an integer from ${minimum} to ${2 ** 32 - 1}, and is ${options[name]}`)
  return value
}

let options
try {
  options = parseArgs({ options: OPTIONS }).values
} catch (error) {
  fail(error.message)
}
if (options.help) {
  process.stdout.write(USAGE)
  process.exit(0)
}
if (!existsSync(new URL('../../dist/src/server.js', import.meta.url))) fail('there is no build: npm run build')

const print = (line) => { process.stdout.write(`${line}\n`) }

/** Shows a violation and the shortest schedule that has it. */
async function explain (seed) {
  const { makeSchedule } = await import('./schedule.mjs')
  const { simulate } = await import('./simulate.mjs')
  const { shrink } = await import('./shrink.mjs')
  let schedule = makeSchedule(seed)
  const { violation } = await simulate(schedule, options.trace && options.whole ? print : undefined)
  if (violation === undefined) { print(`seed ${seed}: no violation`); return }
  if (!options.whole) schedule = await shrink(schedule, violation.kind)
  const shortest = await simulate(schedule, options.trace && !options.whole ? print : undefined)
  print(`\nseed ${seed}: ${shortest.violation.kind} at ${Math.round(shortest.violation.at)} ms\n  ${shortest.violation.text}\n  ${JSON.stringify(schedule.setup)}`)
  for (const { at, kind, ...rest } of schedule.actions) print(`  ${rest.on === undefined ? `${at.toFixed(1).padStart(7)} ms` : '    then  '}  ${kind} ${JSON.stringify(rest)}`)
  print(`\nrepeat it with: npm run simulate -- --repeat ${seed} --trace`)
}

async function runAll () {
  const first = options.seed === undefined ? randomInt(2 ** 32) : number(options, 'seed', 0)
  const count = number(options, 'schedules', 1)
  const began = performance.now()
  const total = { schedules: 0, acknowledged: 0, deliveries: 0, gaps: 0 }
  const violations = []
  let next = 0
  let interrupted = false
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => { interrupted = true })
  const progress = setInterval(() => { process.stderr.write(`${total.schedules} of ${count} schedules, ${violations.length} violations\n`) }, PROGRESS_MS)
  await Promise.all(Array.from({ length: number(options, 'workers', 1) }, () => new Promise((resolve, reject) => {
    // A schedule lives for milliseconds: what it leaves behind should not be looked at twice.
    const worker = new Worker(new URL('./worker.mjs', import.meta.url), { resourceLimits: { maxYoungGenerationSizeMb: 64 } })
    const hand = () => {
      if (interrupted || next >= count || (violations.length > 0 && !options.all)) { void worker.terminate(); resolve(); return }
      const portion = Math.min(PORTION, count - next)
      worker.postMessage({ seed: first + next, count: portion, stopAtFirst: !options.all })
      next += portion
    }
    worker.on('message', ({ violations: found, numbers }) => {
      for (const [name, value] of Object.entries(numbers)) total[name] = (total[name] ?? 0) + value
      violations.push(...found)
      hand()
    })
    worker.on('error', reject)
    hand()
  })))
  clearInterval(progress)
  const seconds = (performance.now() - began) / 1_000
  const result = { seed: first, ...total, seconds: Number(seconds.toFixed(1)), violations: violations.length }
  if (options.json) print(JSON.stringify({ ...result, first: violations[0] }))
  else print(`${total.schedules} schedules from seed ${first} in ${result.seconds} s: ${total.acknowledged} messages acknowledged, ${total.deliveries} deliveries, ${total.gaps} gaps, ${violations.length} violations`)
  if (interrupted) process.exitCode = INTERRUPTED
  if (violations.length === 0) return
  process.exitCode = 1
  if (options.json) return
  for (const { seed, violation } of violations.slice(0, 20)) print(`seed ${seed}: ${violation.kind}: ${violation.text}`)
  await explain(violations[0].seed)
}

/** Whether the simulation can fail: each mistake has to be found. */
async function runMistakes () {
  const { mistakes } = await import('./mistakes.mjs')
  const { plant } = await import('./plant.mjs')
  for (const mistake of mistakes.filter(({ name }) => name.includes(options.only ?? ''))) {
    const seed = options.seed === undefined ? randomInt(2 ** 31) : number(options, 'seed', 0)
    const schedules = Math.max(number(options, 'schedules', 1), mistake.within ?? 0)
    const { program, remove } = plant(mistake)
    try {
      const { stdout, stderr } = spawnSync(process.execPath, [program, '--json', '--seed', String(seed), '--schedules', String(schedules)], { encoding: 'utf8' })
      if (stdout === '') throw new Error(stderr)
      const result = JSON.parse(stdout)
      if (result.violations === 0) process.exitCode = 1
      print(`${mistake.name}: ${result.violations === 0 ? `NOT FOUND in ${result.schedules} schedules` : `found after ${result.schedules}: seed ${result.first.seed}, ${result.first.violation.kind}: ${result.first.violation.text}`}`)
    } finally {
      remove()
    }
  }
}

if (options.mistakes) await runMistakes()
else if (options.repeat === undefined) await runAll()
else await explain(number(options, 'repeat', 0))
// Timers of virtual time do not keep the process alive; handles that a schedule has left behind must not either.
process.exit()
