import t from 'tap'
import { mistakes } from '../../../faults/simulation/mistakes.mjs'
import { plant } from '../../../faults/simulation/plant.mjs'
import { runProgram } from '../run-faults.js'

const PROGRAM = 'faults/simulation/run.mjs'
/** It takes a minute on two free cores. */
const TIMEOUT_MS = 600_000

t.setTimeout(TIMEOUT_MS)

t.test('the simulation', async (t) => {
  t.setTimeout(TIMEOUT_MS)

  t.test('finds no violation in 10,000 schedules', async (t) => {
    t.setTimeout(TIMEOUT_MS)
    const { code, output } = await runProgram(t, [PROGRAM, '--schedules', '10000'])
    t.equal(code, 0, output)
    t.match(output, /^10000 schedules .* 0 violations$/m)
  })

  t.test('finds no violation where few crashed instances end a term, and few that left are remembered', async (t) => {
    t.setTimeout(TIMEOUT_MS)
    const { program, remove } = plant({
      name: 'little room',
      changes: [
        ['faults/simulation/redis/register-scripts.mjs', '{ departed: 1_024, growth: 5_000 }', '{ departed: 4, growth: 1 }'],
        ['dist/src/brokers/redis/failover/known-instances.js', 'MAX_DEPARTED / 2', '1']
      ]
    })
    t.teardown(remove)
    const { code, output } = await runProgram(t, [program, '--schedules', '1000', '--seed', '1'])
    t.equal(code, 0, output)
  })

  t.test('does the same when the seed is the same', async (t) => {
    const run = async (): Promise<string> => (await runProgram(t, [PROGRAM, '--repeat', '7', '--whole', '--trace'])).output
    const first = await run()
    t.match(first, /messengerPublish/)
    t.equal(await run(), first)
  })

  t.test('finds the shortest part of a schedule that fails', async (t) => {
    const mistake = mistakes.find(({ name }) => name === 'an epoch outlives its term')
    if (mistake === undefined) throw new Error('there is no such mistake')
    const { program, remove } = plant(mistake)
    t.teardown(remove)
    const { code, output } = await runProgram(t, [program, '--seed', '1', '--workers', '1'])
    t.equal(code, 1)
    t.match(output, /^seed \d+: ambiguous at \d+ ms$/m)
    t.match(output, /^repeat it with: npm run simulate -- --repeat \d+ --trace$/m)
  })

  for (const mistake of mistakes.filter(({ frequent }) => frequent)) {
    t.test(`finds that ${mistake.name}`, async (t) => {
      t.setTimeout(TIMEOUT_MS)
      const { program, remove } = plant(mistake)
      t.teardown(remove)
      const { code, output } = await runProgram(t, [program, '--schedules', '10000', '--seed', '1', '--json'])
      t.equal(code, 1, output)
    })
  }

  t.test('can plant every mistake that it has to find', async (t) => {
    for (const mistake of mistakes) t.doesNotThrow(() => { plant(mistake).remove() }, mistake.name)
    t.ok(mistakes.length >= 11)
  })
})
