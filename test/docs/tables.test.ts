import { readFile } from 'node:fs/promises'
import t from 'tap'
import { clientText, configurationText, errorsText } from '../../scripts/docs.mjs'
import { clientFiles } from '../../scripts/integrity.mjs'
import * as errors from '../../src/errors.js'
import { VARIABLES } from '../../src/config.js'
import { accessOptions } from '../../src/options/access.js'
import { channelOptions } from '../../src/options/channels.js'
import { connectionOptions, routeOptions } from '../../src/options/connections.js'
import { historyOptions } from '../../src/options/history.js'
import { limitOptions } from '../../src/options/limits.js'
import * as metadata from '../../src/options/metadata.js'
import { metricsOptions } from '../../src/options/metrics.js'
import { MessengerOptionsSchema } from '../../src/options/schema.js'
import { serviceOptions } from '../../src/options/service.js'

t.test('docs/configuration.md', async (t) => {
  const text = await readFile('docs/configuration.md', 'utf8')

  t.test('is written from the schema of the options', async (t) => {
    const schemas = {
      accessOptions, channelOptions, connectionOptions, historyOptions, limitOptions, metricsOptions, routeOptions, serviceOptions
    }
    t.equal(text, configurationText(schemas, metadata), 'npm run docs writes it anew')
  })

  t.test('lists every option and every variable', async (t) => {
    for (const name of [...Object.keys(MessengerOptionsSchema.properties), ...VARIABLES]) t.ok(text.includes(`\`${name}\``), name)
    t.notMatch(text, /undefined/)
  })
})

t.test('docs/errors.md', async (t) => {
  const text = await readFile('docs/errors.md', 'utf8')

  t.test('is written from src/errors.ts', async (t) => {
    t.equal(text, errorsText(errors), 'npm run docs writes it anew')
  })

  t.test('lists every code with its status', async (t) => {
    for (const [name, create] of Object.entries(errors)) {
      if (!name.endsWith('Error')) continue
      const { code, statusCode } = new (create as new () => { code: string, statusCode: number })()
      const row = text.split('\n').find((line) => line.startsWith(`| \`${code}\` |`))
      t.match(row, code === 'MSG_ERR_CONFIG_INVALID' ? /–/ : new RegExp(`\\| ${statusCode} `), code)
    }
  })
})

t.test('docs/client.md', async (t) => {
  const text = await readFile('docs/client.md', 'utf8')

  t.test('shows the hashes that the client has', async (t) => {
    t.equal(text, clientText(text), 'npm run docs writes them anew')
    for (const { name, integrity } of clientFiles()) t.ok(text.includes(`| \`${name}\` | \`${integrity}\` |`), name)
    const outdated = text.replaceAll('sha384-', 'sha384-0').replaceAll(/client\.(?:shared\.)?\d+\.\d+\.\d+/g, (name) => `${name}-old.1`)
    t.equal(clientText(outdated), text, 'what is outdated is written anew')
  })
})
