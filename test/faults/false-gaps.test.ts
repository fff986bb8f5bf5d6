import t from 'tap'
import { runProgram, TIMEOUT_MS } from './run-faults.js'

t.setTimeout(TIMEOUT_MS)

t.test('two instances that are both alive', async (t) => {
  t.setTimeout(TIMEOUT_MS)

  for (const name of ['restart', 'attach']) {
    t.test(`announce no gap when a term ends without a loss: ${name}`, async (t) => {
      const { code, output } = await runProgram(t, ['faults/false-gaps.mjs', '--rounds', '1', '--only', name, '--seed', '1'])
      t.equal(code, 0, output)
      t.match(output, '1 of 1')
    })
  }
})
