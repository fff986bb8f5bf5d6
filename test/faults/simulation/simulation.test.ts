import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { mistakes } from '../../../faults/simulation/mistakes.mjs'
import { plant } from '../../../faults/simulation/plant.mjs'
import { userEnv } from '../../user-env.js'

const PROGRAM = fileURLToPath(new URL('../../../faults/simulation/run.mjs', import.meta.url))
/** It takes a minute on two free cores. */
const TIMEOUT_MS = 600_000

async function simulate (t: Test, program: string, args: string[]): Promise<{ code: number | null, output: string }> {
  const child = spawn(process.execPath, [program, ...args], { env: userEnv, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => { child.kill() })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { output += text })
  const [code] = await once(child, 'close') as [number | null]
  return { code, output }
}

t.setTimeout(TIMEOUT_MS)

t.test('the simulation', async (t) => {
  t.setTimeout(TIMEOUT_MS)

  t.test('finds no violation in 10,000 schedules', async (t) => {
    t.setTimeout(TIMEOUT_MS)
    const { code, output } = await simulate(t, PROGRAM, ['--schedules', '10000'])
    t.equal(code, 0, output)
    t.match(output, /^10000 schedules .* 0 violations$/m)
  })

  t.test('does the same when the seed is the same', async (t) => {
    const run = async (): Promise<string> => (await simulate(t, PROGRAM, ['--repeat', '7', '--whole', '--trace'])).output
    const first = await run()
    t.match(first, /messengerPublish/)
    t.equal(await run(), first)
  })

  t.test('finds the shortest part of a schedule that fails', async (t) => {
    const mistake = mistakes.find(({ name }) => name === 'an epoch outlives its term')
    if (mistake === undefined) throw new Error('there is no such mistake')
    const { program, remove } = plant(mistake)
    t.teardown(remove)
    const { code, output } = await simulate(t, program, ['--seed', '1', '--workers', '1'])
    t.equal(code, 1)
    t.match(output, /^seed \d+: ambiguous at \d+ ms$/m)
    t.match(output, /^repeat it with: npm run simulate -- --repeat \d+ --trace$/m)
  })

  for (const mistake of mistakes.filter(({ frequent }) => frequent)) {
    t.test(`finds that ${mistake.name}`, async (t) => {
      t.setTimeout(TIMEOUT_MS)
      const { program, remove } = plant(mistake)
      t.teardown(remove)
      const { code, output } = await simulate(t, program, ['--schedules', '10000', '--seed', '1', '--json'])
      t.equal(code, 1, output)
    })
  }

  t.test('can plant every mistake that it has to find', async (t) => {
    for (const mistake of mistakes) t.doesNotThrow(() => { plant(mistake).remove() }, mistake.name)
    t.ok(mistakes.length >= 11)
  })
})
