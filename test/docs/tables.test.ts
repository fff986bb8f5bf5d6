import t from 'tap'
import { readConfig } from '../../src/config.js'
import * as errors from '../../src/errors.js'
import { MessengerOptionsSchema } from '../../src/options.js'
import { Document } from './document.js'

t.test('docs/configuration.md', async (t) => {
  const rows = new Document('docs/configuration.md').rows('Configuration')

  t.test('lists every option with its default', (t) => {
    const listed = new Map(rows.map(([, option = '', byDefault = '']) => [option.replaceAll('`', ''), byDefault]))
    for (const [option, schema] of Object.entries(MessengerOptionsSchema.properties)) {
      const text = listed.get(option) ?? t.fail(`${option} is not listed`) as never
      const value = (schema as { default?: unknown }).default
      if (typeof value === 'number') {
        const [number = ''] = /^[\d,]+/.exec(text) ?? []
        t.equal(Number(number.replaceAll(',', '')) * (/^[\d,]+ s/.test(text) ? 1_000 : 1), value, option)
      }
    }
    t.end()
  })

  t.test('lists the variables that the service reads', (t) => {
    const env: NodeJS.ProcessEnv = {}
    const read = new Set<string>()
    readConfig(new Proxy(env, { get: (target, name: string) => { read.add(name); return target[name] } }))
    const listed = rows.flatMap(([variable = '']) => [...variable.matchAll(/`([A-Z_]+)`/g)].map(([, name = '']) => name))
    const isNoFile = (name: string): boolean => !name.endsWith('_FILE')
    t.strictSame([...read].filter(isNoFile).sort(), listed.filter(isNoFile).sort())
    t.end()
  })
})

t.test('docs/errors.md', async (t) => {
  t.test('lists every error code with its status', (t) => {
    const listed = new Map(new Document('docs/errors.md').rows('Errors').map(([code = '', status = '']) => [code.replaceAll('`', ''), status]))
    for (const [name, create] of Object.entries(errors)) {
      if (!name.endsWith('Error')) continue
      const { code, statusCode } = new (create as new () => { code: string, statusCode: number })()
      t.ok(listed.has(code), code)
      if (listed.get(code) !== '–') t.equal(listed.get(code), String(statusCode), code)
    }
    t.end()
  })
})
