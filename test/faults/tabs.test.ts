import t from 'tap'
import { Scenario } from '../../faults/tabs/scenario.mjs'
import { startService } from '../helper.js'

// A browser is slow on a busy machine.
t.setTimeout(300_000)

const TABS = 4
const FAULTS = 12

t.test('tabs of a browser that share a connection receive everything once while the one that has it fails', async (t) => {
  const app = await startService(t, { PING_INTERVAL: '1', HISTORY_SIZE: '1000' })
  const scenario = new Scenario(app, '3')
  t.teardown(() => scenario.stop())
  await scenario.start(TABS, 40)
  for (let fault = 0; fault < FAULTS; fault++) await scenario.fault()
  const { lost, twice, gaps, errors, connections, published } = await scenario.settle()
  t.strictSame({ lost, twice, gaps, errors, connections }, { lost: 0, twice: 0, gaps: 0, errors: [], connections: 1 })
  t.ok(published > FAULTS)
  t.comment(scenario.takeovers.map(({ kind, ms }) => `${kind} ${Math.round(ms)} ms`).join(', '))
})
