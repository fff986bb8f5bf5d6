import t from 'tap'
import { bytes, clock, count, duration, short } from '../../console/service/format.js'
import { Quantiles, Rate, Series, SPAN_MS } from '../../console/service/history.js'
import { bucketsOf, samplesOf, sumOf, valuesBy } from '../../console/service/prometheus.js'
import { nearest, niceMax, pathOf } from '../../console/view/chart.js'

const TEXT = `# HELP messenger_connections Open connections.
# TYPE messenger_connections gauge
messenger_connections{transport="websocket"} 10
messenger_connections{transport="sse"} 2.5e1 1764201600000
messenger_limit_hits_total{limit="a"} 0
messenger_limit_hits_total{limit="b"} 3
messenger_limit_hits_total{limit="c",other="x, y=\\"z\\" \\\\ \\n}"} 7
messenger_delivery_seconds_bucket{le="0.1"} 5
messenger_delivery_seconds_bucket{le="0.01"} 2
messenger_delivery_seconds_bucket{le="+Inf"} 6
messenger_delivery_seconds_sum 0.7
messenger_odd NaN
messenger_low -Inf

not a sample
`

t.test('Prometheus text', async (t) => {
  const samples = samplesOf(TEXT)

  t.test('is read with labels, escapes and timestamps; comments are not samples', async (t) => {
    t.equal(samples.length, 10)
    t.strictSame(samples[1], { name: 'messenger_connections', labels: { transport: 'sse' }, value: 25 })
    t.strictSame(samples[4]?.labels, { limit: 'c', other: 'x, y="z" \\ \n}' })
    t.equal(samples.find(({ name }) => name === 'messenger_low')?.value, -Infinity)
  })

  t.test('gives sums, values by a label and buckets', async (t) => {
    t.equal(sumOf(samples, 'messenger_connections'), 35)
    t.equal(sumOf(samples, 'messenger_other'), undefined)
    t.strictSame(valuesBy(samples, 'messenger_limit_hits_total', 'limit'), [['c', 7], ['b', 3]])
    t.strictSame(bucketsOf(samples, 'messenger_delivery_seconds'), [[0.01, 2], [0.1, 5], [Infinity, 6]])
  })
})

t.test('a Rate', async (t) => {
  t.test('is what was added a second, also after a restart', async (t) => {
    const rate = new Rate()
    t.equal(rate.next(1_000, 100), undefined)
    t.equal(rate.next(3_000, 110), 5)
    t.equal(rate.next(4_000, 3), 3, 'a counter that begins anew')
    t.equal(rate.next(5_000, undefined), undefined)
    t.equal(rate.next(6_000, 10), undefined, 'nothing is known of the time before')
    t.equal(rate.next(6_000, 20), undefined)
  })
})

t.test('Quantiles', async (t) => {
  const BOUNDS = [0.001, 0.01, 0.1, Infinity]
  const buckets = (...counts: number[]): Array<[number, number]> => BOUNDS.map((bound, index) => [bound, counts[index] ?? 0])

  t.test('are those of the last seconds, interpolated within a bucket', async (t) => {
    const quantiles = new Quantiles()
    t.equal(quantiles.get(0.5), undefined)
    quantiles.add(0, buckets(1_000, 1_000, 1_000, 1_000))
    t.equal(quantiles.get(0.5), undefined)
    quantiles.add(2_000, buckets(1_000, 1_000, 1_000, 1_000))
    t.equal(quantiles.get(0.5), undefined, 'nothing was counted')
    quantiles.add(4_000, buckets(1_050, 1_100, 1_100, 1_100))
    t.equal(quantiles.get(0.5), 0.001)
    t.equal(quantiles.get(0.75)?.toFixed(4), '0.0055')
    quantiles.add(40_000, buckets(1_050, 1_100, 1_200, 1_200))
    t.equal(quantiles.get(0.5)?.toFixed(4), '0.0550', 'what is long ago does not count')
  })

  t.test('are the last bound where the rest is beyond it', async (t) => {
    const quantiles = new Quantiles()
    quantiles.add(0, buckets(0, 0, 0, 0))
    quantiles.add(1_000, buckets(0, 0, 0, 10))
    t.equal(quantiles.get(0.99), 0.1)
  })

  t.test('begin anew with the counts of a server that was started anew', async (t) => {
    const quantiles = new Quantiles()
    quantiles.add(0, buckets(10, 10, 10, 10))
    quantiles.add(1_000, buckets(1, 1, 1, 1))
    t.equal(quantiles.get(0.5), undefined)
    quantiles.add(2_000, buckets(1, 2, 2, 2))
    t.equal(quantiles.get(1)?.toFixed(4), '0.0100')
  })
})

t.test('a Series', async (t) => {
  t.test('forgets what is older than the charts show', async (t) => {
    const series = new Series()
    for (let at = 0; at <= 2 * SPAN_MS; at += 10_000) series.add(at, at)
    t.equal(series.points[0]?.at, SPAN_MS)
    t.equal(series.points.length, SPAN_MS / 10_000 + 1)
  })
})

t.test('a chart', async (t) => {
  const now = SPAN_MS
  const size = { width: 100, height: 10 }

  t.test('ends at a round number', async (t) => {
    for (const [value, max] of [[0, 1], [NaN, 1], [1, 1], [3.2, 4], [0.0012, 0.0015], [10_700, 15_000], [99, 100], [0.3, 0.3]] as const) t.ok(Math.abs(niceMax(value) - max) < 1e-9 * max, `${value}`)
  })

  t.test('has the newest point at the right, and a gap where nothing is known', async (t) => {
    const points = ([[0, 0], [0.5, 20], [0.6, undefined], [0.8, 5], [1, 10]] as const).map(([part, value]) => ({ at: now * part, value }))
    t.strictSame(pathOf(points, now, 10, size), { line: 'M0 10L50 0M80 5L100 0', area: 'M0 10L0 10L50 0L50 10ZM80 10L80 5L100 0L100 10Z' })
    t.strictSame(pathOf([], now, 10, size), { line: '', area: '' })
  })

  t.test('finds the point under the pointer', async (t) => {
    const points = [{ at: 0, value: 1 }, { at: now / 2, value: undefined }, { at: now, value: 3 }]
    t.equal(nearest(points, now, 0.4)?.value, 1)
    t.equal(nearest(points, now, 0.6)?.value, 3)
    t.equal(nearest([], now, 0.5), undefined)
  })
})

t.test('numbers', async (t) => {
  t.test('are short', async (t) => {
    for (const [value, text] of [[0, '0'], [0.123, '0.12'], [7, '7'], [12.34, '12.3'], [123.4, '123'], [9_999, '9,999'], [10_700, '10.7k'], [12_345_678, '12.3M'], [-5, '-5'], [1e18, '1,000,000T']] as const) t.equal(short(value), text)
  })

  t.test('have units', async (t) => {
    for (const [value, text] of [[0.0004, '0.4 ms'], [0.25, '250 ms'], [1.25, '1.25 s'], [0.9999, '1 s']] as const) t.equal(duration(value), text)
    for (const [value, text] of [[0, '0 B'], [1_000, '1,000 B'], [2_048, '2 KiB'], [71 * 1_024 ** 2, '71 MiB'], [1.5 * 1_024 ** 3, '1.5 GiB']] as const) t.equal(bytes(value), text)
    t.strictSame([count(1, 'channel'), count(0, 'channel'), count(1_200, 'entry', 'entries')], ['1 channel', '0 channels', '1,200 entries'])
  })

  t.test('of a time are those of the day', async (t) => {
    t.match(clock(new Date(2026, 10, 27, 4, 5, 6, 7).getTime()), '04:05:06.007')
  })
})
