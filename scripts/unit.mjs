// `npm run unit`: the tests that need nothing but `npm ci` and little time, in few processes and without coverage.
// `npm run unit -- test/wire/id.test.ts` runs these files, whatever they need; with `--watch` again whenever something that they import
// changes.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { writePublicClient } from './client.mjs'
import { writeConsole } from './console.mjs'
import { root } from './root.mjs'
import { conclude, heading, timed } from './steps.mjs'
import { countTests } from './tap-results.mjs'
import { testFiles } from './unit-tests.mjs'

const FILE_TIMEOUT_MS = 120_000
// Tests wait for connections more than they compute.
const LANES = 2 * availableParallelism()
/** Tests of the client share no process with others: they hold the clock of theirs. */
const CLIENT = /^test\/client\//
const NODE_ARGS = ['--enable-source-maps', `--import=${pathToFileURL(join(root, 'scripts/typescript.mjs')).href}`]
/** Seconds that each file took last time: the longest begins first. Of a new one its size tells the most. */
const TIMES = join(root, '.tap/unit-times.json')

const args = process.argv.slice(2)
const given = args.filter((arg) => arg !== '--watch')
await writePublicClient()
await writeConsole()

if (args.includes('--watch')) {
  if (given.length === 0) throw new Error('name the file to watch: npm run unit -- --watch test/wire/id.test.ts')
  process.exitCode = spawnSync(process.execPath, ['--watch', ...NODE_ARGS, ...given], { cwd: root, stdio: 'inherit' }).status ?? 1
} else {
  const files = given.length > 0 ? given : (await testFiles()).filter(({ need }) => need === undefined).map(({ file }) => file)
  const { passed, failures, seconds } = await timed(() => runFiles(files))
  conclude({ passed, failures, seconds: { tests: seconds } })
}

async function runFiles (files) {
  heading('Unit tests')
  const times = readTimes()
  const secondsOf = (file) => times[file] ?? statSync(join(root, file)).size / 1_000
  const sorted = files.toSorted((a, b) => secondsOf(b) - secondsOf(a))
  const client = sorted.filter((file) => CLIENT.test(file))
  const others = sorted.filter((file) => !CLIENT.test(file))
  const result = { passed: 0, failures: [] }
  const lane = async (queue) => {
    // A process that ends before its time leaves the rest to another one.
    for (let left = Infinity; queue.length > 0 && queue.length < left;) {
      left = queue.length
      const { passed, failures } = await runWorker(queue, times)
      result.passed += passed
      result.failures.push(...failures)
    }
  }
  await Promise.all([
    lane(client).then(() => lane(others)),
    ...Array.from({ length: Math.min(LANES, files.length) - 1 }, () => lane(others))
  ])
  mkdirSync(dirname(TIMES), { recursive: true })
  writeFileSync(TIMES, JSON.stringify(times))
  return result
}

/** Runs files from the queue in a process until the queue is empty or the process ends. */
async function runWorker (queue, times) {
  const worker = spawn(process.execPath, [...NODE_ARGS, 'scripts/unit-worker.mjs'], { cwd: root, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: { ...process.env, UNIT_WORKER: '1', TAP_TIMEOUT: String(FILE_TIMEOUT_MS / 1_000) } })
  let [stdout, stderr] = ['', '']
  worker.stdout.on('data', (chunk) => { stdout += chunk })
  worker.stderr.on('data', (chunk) => { stderr += chunk })
  let current
  let began = 0
  let deadline
  const finish = () => {
    clearTimeout(deadline)
    if (current === undefined) return
    times[current] = (performance.now() - began) / 1_000
    console.log(`${current} (${times[current].toFixed(1)} s)`)
  }
  worker.on('message', (message) => {
    // tap talks to its parent, too.
    if (message !== 'next') return
    finish()
    current = queue.shift()
    began = performance.now()
    // Nothing that the last test leaves may keep the process alive.
    deadline = setTimeout(() => { worker.kill('SIGKILL') }, FILE_TIMEOUT_MS)
    worker.send({ file: current }, () => {})
  })
  const [code, signal] = await once(worker, 'close')
  clearTimeout(deadline)
  const result = await countTests(stdout)
  result.failures = result.failures.map((failure) => failure.replace('files › ', ''))
  if (current !== undefined) result.failures.push(`${current} ended its process: ${signal ?? `exit code ${code}`}\n${stderr}`)
  else if (code !== 0 && result.failures.length === 0) result.failures.push(`a process ended with ${signal ?? `exit code ${code}`}\n${stderr}`)
  return result
}

function readTimes () {
  try {
    return JSON.parse(readFileSync(TIMES, 'utf8'))
  } catch {
    return {}
  }
}
