import t from 'tap'
import { LimitCounters } from '../../src/limits/limit-counters.js'
import { memoryLimit, messengerMetrics } from '../../src/metrics/messenger-metrics.js'
import { metricsText } from '../../src/metrics/text.js'
import { Traffic } from '../../src/metrics/traffic.js'
import { parseMetrics } from './parse-metrics.js'

t.test('messengerMetrics', async (t) => {
  t.test('tells whether the engine is there at the moment of the scrape', async (t) => {
    let ready = false
    const readers = messengerMetrics(new Traffic(), new LimitCounters(), () => ({ channels: 1, subscriptions: 2, historyBytes: 3, ready }))
    const engine = (): unknown => parseMetrics(metricsText(readers)).get('messenger_engine_ready')
    t.equal(engine(), 0)
    ready = true
    t.equal(engine(), 1)
  })
})

t.test('memoryLimit', async (t) => {
  t.test('is that of the control group, as far as the machine has it', async (t) => {
    t.strictSame([memoryLimit(0, 10), memoryLimit(5, 10), memoryLimit(2 ** 60, 10)], [10, 5, 10])
  })
})
