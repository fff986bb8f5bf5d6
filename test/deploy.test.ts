import { readFileSync } from 'node:fs'
import t from 'tap'
import { ask, startService, TOKEN } from './helper.js'
import { namesOf, parseMetrics } from './metrics/parse-metrics.js'

/** The names of series in expressions. */
function seriesIn (text: string): string[] {
  return [...new Set(text.match(/\b(?:messenger|process)_[a-z_]+/g))]
}

t.test('deploy/', async (t) => {
  const app = await startService(t)
  const { text } = await ask(app, '/-/metrics', { headers: { authorization: `Bearer ${TOKEN}` } })
  const names = namesOf(text)
  const known = [...names, ...[...parseMetrics(text).keys()].map((series) => series.replace(/\{.*/, ''))]

  for (const file of ['deploy/grafana.json', 'deploy/alerts.yml', 'docs/monitoring.md']) {
    t.test(`${file} names no metric that does not exist`, async (t) => {
      const series = seriesIn(readFileSync(file, 'utf8'))
      t.ok(series.length > 4)
      t.strictSame(series.filter((name) => !known.includes(name)), [])
    })
  }

  t.test('deploy/grafana.json and docs/monitoring.md have every metric of the messenger', async (t) => {
    for (const file of ['deploy/grafana.json', 'docs/monitoring.md']) {
      const content = readFileSync(file, 'utf8')
      t.strictSame(names.filter((name) => name.startsWith('messenger_') && !content.includes(name)), [])
    }
  })

  t.test('docs/monitoring.md explains every alert', async (t) => {
    const alerts = [...readFileSync('deploy/alerts.yml', 'utf8').matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name)
    t.equal(alerts.length, 5)
    const manual = readFileSync('docs/monitoring.md', 'utf8')
    for (const name of alerts) t.ok(manual.includes(`| \`${name}\` |`), name)
  })
})
