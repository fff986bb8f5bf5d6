import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { PublisherCode } from '../../src/publisher/index.js'
import { ask, startService } from '../helper.js'
import { addressed } from './commands.js'
import { Document } from './document.js'
import { scratch } from './snippets.js'

const run = promisify(execFile)
const page = new Document('docs/publisher.md')

t.test('docs/publisher.md', async (t) => {
  t.test('has programs that publish what they say', async (t) => {
    const app = await startService(t, { BEARER_TOKEN: '' })
    const directory = scratch(t, 'publisher')
    const programs = page.blocks.filter(({ language }) => language === 'js')
    const outputs = []
    for (const [index, { code }] of programs.entries()) {
      const file = join(directory, `program-${index}.mjs`)
      writeFileSync(file, addressed(app, code))
      outputs.push(await run(process.execPath, [file], { env: { PATH: process.env['PATH'] } }))
    }
    t.match(outputs[0], { stdout: /^[\w-]+:1 0\n$/, stderr: '' })
    t.match((await ask(app, '/room1')).body, { messages: [{ message: { text: 'Hello' } }] })
    t.match(outputs[1], { stdout: '0\nMSG_ERR_CHANNEL_INVALID 400 false\n', stderr: /^no channel MSG_ERR_CHANNEL_INVALID Channel "no channel" is invalid.*\n$/ })
    t.match((await ask(app, '/user:1000')).body, { messages: [{ message: { news: true } }] })
  })

  t.test('lists the options and the codes that there are', (t) => {
    const source = readFileSync('src/publisher/options.ts', 'utf8')
    const optionsOf = (name: string): (string | undefined)[] => {
      const [, members = ''] = source.split(`export interface ${name} {`)
      return [...(members.split('\n}')[0] ?? '').matchAll(/^ {2}readonly (\w+)/gm)].map(([, option]) => option)
    }
    const listed = page.rows('Options').map(([cell = '']) => /\w+/.exec(cell)?.[0]).filter((name) => name !== 'option')
    t.strictSame(listed.sort(), [...optionsOf('PublisherOptions'), ...optionsOf('PublishOptions')].sort())
    t.strictSame(page.rows('Errors').map(([cell = '']) => /\w+/.exec(cell)?.[0]).sort(), Object.values(PublisherCode).sort())
    t.end()
  })
})
