import t from 'tap'
import { LimitLog } from '../../src/limits/limit-log.js'

t.test('LimitLog', async (t) => {
  t.test('reports a limit at once, then at most once a minute with the hits since', async (t) => {
    const reports: unknown[] = []
    let now = 0
    const log = new LimitLog((limit, hits) => { reports.push([limit, hits]) }, () => now)
    log.hit('maxChannels')
    for (now = 1; now < 60_000; now += 1_000) log.hit('maxChannels')
    log.hit('maxUrlBytes')
    t.strictSame(reports, [['maxChannels', 1], ['maxUrlBytes', 1]])
    now = 60_000
    log.hit('maxChannels')
    t.strictSame(reports.at(-1), ['maxChannels', 61])
  })
})
