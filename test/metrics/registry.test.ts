import { Registry } from 'prom-client'
import t from 'tap'
import { Histogram } from '../../src/metrics/histogram.js'
import { distribution, labelled, single } from '../../src/metrics/family.js'
import { Counts } from '../../src/metrics/counts.js'
import { addToRegistry } from '../../src/metrics/registry.js'
import { metricsText } from '../../src/metrics/text.js'
import { createHost, startHost, TOKEN } from '../helper.js'
import { messenger } from '../../src/messenger.js'
import { namesOf, parseMetrics } from './parse-metrics.js'

t.test('the text for Prometheus', async (t) => {
  t.test('is that of prom-client', async (t) => {
    const histogram = new Histogram([0.5, 1])
    histogram.observe(0.7, 2)
    const counts = new Counts<string>(['a', 'a "quoted" \\ one\nof two lines'])
    const readers = [single('gauge', { name: 'a_gauge', help: 'A gauge.' }, () => 1.5e21), labelled('counter', { name: 'a_total', help: 'A counter.' }, 'label', counts), distribution({ name: 'a_seconds', help: 'A histogram.' }, histogram)]
    const registry = new Registry()
    addToRegistry(registry, readers, '')
    t.equal(metricsText(readers), (await registry.metrics()).replaceAll('\n\n', '\n'))
    t.equal(parseMetrics(metricsText(readers)).get('a_seconds_bucket{le="1"}'), 2)
  })
})

t.test('a registry of a host', async (t) => {
  t.test('gets the metrics of several messengers, each with its prefix, and loses them when their app closes', async (t) => {
    const registry = new Registry()
    const app = createHost(t)
    for (const prefix of ['/one', '/two']) await app.register(async (scope) => { await scope.register(messenger, { prefix, token: TOKEN, metricsRegistry: registry }) })
    const other = await startHost(t, { metricsRegistry: registry })
    await app.ready()
    await other.channels.publish('room', 1)
    const values = parseMetrics(await registry.metrics())
    t.strictSame(['{prefix="/one"}', '{prefix="/two"}'].map((labels) => values.get(`messenger_published_total${labels}`)), [0, 0])
    t.ok([...values].some(([name, value]) => name.startsWith('messenger_published_total') && value === 1))
    t.notOk([...values.keys()].some((name) => name.startsWith('process_')), 'left to the host')
    await other.close()
    await app.close()
    t.equal(await registry.metrics(), '\n')
  })

  t.test('adds up the values of messengers with one prefix', async (t) => {
    const registry = new Registry()
    const apps = [createHost(t), createHost(t)]
    for (const app of apps) {
      await app.register(messenger, { prefix: '/rt', token: TOKEN, metricsRegistry: registry })
      await app.ready()
      await app.channels.publish('room', 1)
    }
    t.equal(parseMetrics(await registry.metrics()).get('messenger_published_total{prefix="/rt"}'), 2)
    registry.clear()
    await apps[0]?.close()
    t.equal(await registry.metrics(), '\n')
  })

  t.test('serves OpenMetrics, JSON and a reset', async (t) => {
    const registry = new Registry()
    const app = await startHost(t, { metricsRegistry: registry })
    await app.channels.publish('room', 1)
    registry.resetMetrics()
    t.match(await registry.getMetricsAsJSON(), [{ name: 'messenger_connections', type: 'gauge', aggregator: 'sum' }])
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never)
    const text = await registry.metrics()
    t.match(text, /^messenger_published_total\S* 1$/m)
    t.match(text, /^messenger_publish_seconds_count\S* 1$/m)
    t.ok(namesOf(text).includes('messenger_published'))
  })

  t.test('has to be one', async (t) => {
    await t.rejects(startHost(t, { metricsRegistry: {} as never }), { code: 'MSG_ERR_CONFIG_INVALID' })
  })
})
