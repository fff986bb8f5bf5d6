import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { readConfig } from '../src/config.js'
import * as errors from '../src/errors.js'
import { MessengerOptionsSchema } from '../src/options.js'
import { launch, watchErrors } from './browser/chromium.js'
import { eventually } from './eventually.js'
import { origin, publish, startService } from './helper.js'

const readme = await readFile('README.md', 'utf8')
const README_ORIGIN = 'http://127.0.0.1:3000'
const sh = promisify(execFile)

/** The code blocks of a language, as a reader copies them. */
function blocks (language: string): string[] {
  return [...readme.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, code = '']) => code)
}

function block (language: string, part: string): string {
  const code = blocks(language).find((candidate) => candidate.includes(part))
  if (code === undefined) throw new Error(`README.md has no ${language} block with ${part}`)
  return code
}

function rows (heading: string): string[][] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| -')).slice(1).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()))
}

/** Runs a block against the service of the test instead of the reader's. */
async function run (app: FastifyInstance, code: string): Promise<string> {
  const { stdout } = await sh('sh', ['-c', code.replaceAll(README_ORIGIN, origin(app)).replaceAll('curl ', 'curl -sS ')])
  return stdout
}

t.test('README', async (t) => {
  t.test('pushes with every curl command it shows', async (t) => {
    const app = await startService(t, { BEARER_TOKEN: '' })
    const commands = blocks('sh').filter((code) => code.includes('/send'))
    t.equal(commands.length, 3)
    for (const command of commands) {
      const answer = JSON.parse(await run(app, command)) as { status: string, results?: object[] }
      t.match(answer.status, /^Messages? sent$/)
      for (const result of answer.results ?? []) t.notOk('error' in result)
    }
    const shown = JSON.parse(block('json', '"status"')) as object
    t.strictSame(Object.keys(JSON.parse(await run(app, commands[0] as string)) as object), Object.keys(shown))
  })

  t.test('makes and revokes a token with the curl commands it shows', async (t) => {
    const app = await startService(t, { BEARER_TOKEN: '', TOKEN_SECRET: 'a-secret-of-thirty-two-characters' })
    const made = JSON.parse(await run(app, block('sh', '/-/tokens'))) as { token: string }
    t.strictSame(Object.keys(made), Object.keys(JSON.parse(block('json', '"jti"')) as object))
    const read = async (): Promise<number> => (await fetch(`${origin(app)}/user:7:orders`, { headers: { authorization: `Bearer ${made.token}` } })).status
    t.equal(await read(), 200)
    t.match(JSON.parse(await run(app, block('sh', '/-/revocations'))), { status: 'Revoked' })
    t.equal(await read(), 401)
  })

  t.test('streams into a terminal with the curl command it shows', async (t) => {
    const app = await startService(t)
    const child = spawn('sh', ['-c', `exec ${block('sh', 'curl -N').replace(README_ORIGIN, origin(app))}`])
    t.teardown(() => child.kill())
    const lines: string[] = []
    child.stdout.on('data', (chunk: Buffer) => { lines.push(...chunk.toString().trim().split('\n')) })
    await once(child.stdout, 'data')
    await publish(app, 'room1', 'for the terminal')
    while (lines.length < 2) await once(child.stdout, 'data')
    t.match(JSON.parse(lines[1] as string), { channel: 'room1', message: 'for the terminal' })
  })

  t.test('subscribes a page with the script tag and with EventSource', async (t) => {
    const app = await startService(t)
    const context = await (await launch(t))()
    for (const code of [block('html', 'connectToChannel'), `<script>${block('js', 'EventSource')}</script>`]) {
      const page = await context.newPage()
      watchErrors(t, page)
      // Beside it stands what the browser says of an icon that is not there.
      const logged = page.waitForEvent('console', (message) => message.type() === 'log')
      await page.goto(`${origin(app)}/-/live`)
      await page.setContent(code.replaceAll(README_ORIGIN, origin(app)))
      await eventually(() => app.channels.subscriberCount('room1') === 1)
      await publish(app, 'room1', 'for the page')
      t.match((await logged).text(), 'for the page')
      await page.close()
      await eventually(() => app.channels.subscriberCount('room1') === 0)
    }
  })

  t.test('embeds the messenger with the program it shows', async (t) => {
    // In the package's own directory its name stands for itself, as it does for whoever installed it.
    const directory = join('.tap', 'readme')
    await mkdir(directory, { recursive: true })
    t.teardown(() => rm(directory, { recursive: true }))
    const file = join(directory, 'host.mjs')
    await writeFile(file, block('js', 'app.register').replace('{ port: 3001 }', '{ port: 0 }') + '\nconsole.log(app.server.address().port)\n')
    const child = spawn(process.execPath, [file], { env: { PATH: process.env['PATH'] } })
    t.teardown(() => child.kill())
    const [output] = await once(child.stdout, 'data') as [Buffer]
    const response = await fetch(`http://127.0.0.1:${output.toString().trim()}/orders`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"n":1}' })
    t.match(await response.json(), { id: /:1$/, subscribers: 0 })
  })

  t.test('lists every option with its default', (t) => {
    const listed = new Map(rows('Configuration').map(([, option = '', byDefault = '']) => [option.replaceAll('`', ''), byDefault]))
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

  t.test('lists variables that the service reads', (t) => {
    const env: NodeJS.ProcessEnv = {}
    const read = new Set<string>()
    readConfig(new Proxy(env, { get: (target, name: string) => { read.add(name); return target[name] } }))
    const listed = rows('Configuration').flatMap(([variable = '']) => [...variable.matchAll(/`([A-Z_]+)`/g)].map(([, name = '']) => name))
    t.strictSame([...read].filter((name) => !name.endsWith('_FILE')).sort(), listed.filter((name) => !name.endsWith('_FILE')).sort())
    t.end()
  })

  t.test('lists every error code with its status', (t) => {
    const listed = new Map(rows('Errors').map(([code = '', status = '']) => [code.replaceAll('`', ''), status]))
    for (const [name, create] of Object.entries(errors)) {
      if (!name.endsWith('Error')) continue
      const { code, statusCode } = new (create as new () => { code: string, statusCode: number })()
      t.ok(listed.has(code), code)
      if (listed.get(code) !== '–') t.equal(listed.get(code), String(statusCode), code)
    }
    t.end()
  })
})
