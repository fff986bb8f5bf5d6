import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { origin, startService } from '../helper.js'
import { assertLike, SHOWN_EPOCH } from './commands.js'
import { type Block, Document } from './document.js'

const run = promisify(execFile)
const page = new Document('docs/command-line.md')
/** Milliseconds since 1970, thirteen digits: different with each run. */
const withoutTimes = (text: string): string => text.replaceAll(/"time":\d{13}/g, '"time":1')

t.test('docs/command-line.md', async (t) => {
  const app = await startService(t, { BEARER_TOKEN: '' })
  const directory = mkdtempSync(join(tmpdir(), 'messenger-'))
  t.teardown(() => { rmSync(directory, { recursive: true }) })
  const program = join(directory, 'fastify-messenger')
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${resolve('dist/src/cli/main.js')}' "$@"\n`)
  chmodSync(program, 0o755)
  const env = { PATH: `${directory}:${String(process.env['PATH'])}`, MESSENGER_URL: origin(app) }

  t.test('has commands that print what is shown', async (t) => {
    const commands = page.blocks.filter(({ language }) => language === 'sh')
    t.ok(commands.length >= 6)
    for (const { code: command, output } of commands) {
      const { stdout } = await run('sh', ['-c', command], { env })
      const [, epoch = SHOWN_EPOCH] = /"id":"([\w-]{4,}):\d+"/.exec(stdout) ?? []
      const printed = withoutTimes(stdout.replaceAll(`"${epoch}:`, `"${SHOWN_EPOCH}:`))
      const { language, code } = output as Block
      const shown = withoutTimes(code)
      if (language === 'json') assertLike(t, JSON.parse(printed), JSON.parse(shown), command)
      else t.match(printed, new RegExp(`^${shown.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '.*')}$`), command)
    }
  })

  t.test('lists the options that the commands have', async (t) => {
    for (const command of ['send', 'tail']) {
      const { stdout } = await run(program, [command, '--help'], { env })
      const options = [...stdout.matchAll(/^ {2}(--[\w-]+)/gm)].map(([, option]) => option).filter((option) => option !== '--server')
      const listed = page.rows(command).map(([cell = '']) => /--[\w-]+/.exec(cell)?.[0])
      t.strictSame(listed.sort(), options.sort())
    }
  })
})
