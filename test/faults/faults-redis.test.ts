import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'

/** What the harness prints for machines, as far as it is looked at here. */
interface Result {
  ok: boolean
  seeds: {
    acknowledged: number
    deliveries: number
    lost: number
    duplicated: number
    violations: number
    dataLosses: number
    gaps: Record<string, number>
    instances: number
    reconnects: number
    restarts: number
    redisRestarts: number
    retries: number
    faults: Record<string, number>
  }[]
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const SMALL = ['--redis', '--seeds', '1', '--subscribers', '4', '--publishers', '4', '--settle', '20', '--json']
/** Servers start and stop a few times; on a machine with other work that takes longer than tap allows. */
const TIMEOUT_MS = 90_000
const KEEPING = 'term,kill,redis-kill,redis-pause,redis-cut,redis-freeze,answer'

// A user has none of the settings by which tap makes Node run TypeScript.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE_OPTIONS$|TAP|_?TAPJS|TS_NODE)/.test(name)))

async function runFaults (args: string[]): Promise<{ code: number | null, output: string }> {
  const child = spawn(process.execPath, ['test/faults/run.mjs', ...SMALL, ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => { child.kill() })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { output += text })
  const [code] = await once(child, 'close') as [number | null]
  return { code, output }
}

function resultOf (output: string): Result {
  return JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as Result
}

t.setTimeout(TIMEOUT_MS)

t.test('two instances on one Redis under faults', async (t) => {
  t.setTimeout(TIMEOUT_MS)

  t.test('lose nothing silently and hand over nothing twice while instances, Redis and the way between fail', async (t) => {
    const { code, output } = await runFaults(['--messages', '600', '--faults', '22', '--seconds', '6'])
    t.equal(code, 0, output)
    const { ok, seeds: [result] } = resultOf(output)
    t.match(result, { instances: 2, lost: 0, duplicated: 0, violations: 0, dataLosses: 2 })
    t.equal(ok, true)
    t.ok((result?.acknowledged ?? 0) >= 600, 'every message was acknowledged')
    t.ok((result?.restarts ?? 0) >= 2, 'instances were restarted')
    t.ok((result?.redisRestarts ?? 0) >= 2, 'Redis was restarted')
    t.ok((result?.retries ?? 0) > 0, 'publishers had to try again')
    t.equal(Object.keys(result?.faults ?? {}).length, 22, 'every kind of fault happened')
  })

  t.test('go on where they were when Redis comes back with its data', async (t) => {
    const { code, output } = await runFaults(['--messages', '300', '--faults', '8', '--seconds', '4', '--only', KEEPING])
    t.equal(code, 0, output)
    const { seeds: [result] } = resultOf(output)
    t.match(result, { lost: 0, duplicated: 0, violations: 0, dataLosses: 0, republished: 0, needlessLogs: 0 })
    t.equal(result?.gaps['epoch'] ?? 0, 0, 'nobody is told of another log')
    t.ok((result?.redisRestarts ?? 0) >= 1, 'Redis was restarted')
  })

  t.test('meet with the same faults when the seed is the same', async (t) => {
    const plan = async (): Promise<string> => (await runFaults(['--plan', '--faults', '60'])).output
    const first = await plan()
    t.match(first, /"kind":"redis-lost"/)
    t.equal(await plan(), first)
  })
})
