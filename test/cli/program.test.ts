import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { origin, publish, startService, TOKEN } from '../helper.js'
import { eventually } from '../eventually.js'
import { createDirectory } from '../temporary.js'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
// As a user has it, and what the loaders of TypeScript and of the coverage need.
const INHERITED = Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(PATH|HOME|NODE_|TAP|_TAP|TS_NODE_|TSIMP_)/.test(name)))

interface Program {
  child: ChildProcess
  text: () => { stdout: string, stderr: string }
  exited: Promise<unknown>
}

function program (t: Test, args: string[], env: NodeJS.ProcessEnv = {}): Program {
  return watch(t, spawn(process.execPath, [...process.execArgv, MAIN, ...args], { env: { ...INHERITED, ...env }, stdio: ['pipe', 'pipe', 'pipe'] }))
}

function watch (t: Test, child: ChildProcess): Program {
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) child[name]?.on('data', (chunk: Buffer) => { text[name] += String(chunk) })
  t.teardown(() => { child.kill('SIGKILL') })
  return { child, text: () => text, exited: once(child, 'close').then(([code, signal]) => (code ?? signal) as unknown) }
}

t.test('the program', async (t) => {
  const app = await startService(t)
  const env = { MESSENGER_URL: origin(app), MESSENGER_TOKEN: TOKEN }
  await publish(app, 'kept', 1)

  // All at once, because each takes seconds to compile.
  const directory = createDirectory(t)
  const primary = join(directory, 'primary.mjs')
  writeFileSync(primary, `import cluster from 'node:cluster'\ncluster.setupPrimary({ exec: ${JSON.stringify(MAIN)}, args: ['send'] })\ncluster.fork()\n`)
  const programs = {
    unknown: program(t, ['sned', 'room', '1']),
    sent: program(t, ['send', 'piped', '--server', origin(app)], env),
    version: program(t, ['--version']),
    serve: program(t, ['serve', '--port', '4000'], { PORT: '0', BEARER_TOKEN: TOKEN, HOST: '127.0.0.1' }),
    worker: watch(t, spawn(process.execPath, [...process.execArgv, primary], { env: { ...INHERITED, PORT: '0', BEARER_TOKEN: TOKEN, HOST: '127.0.0.1' } })),
    tail: program(t, ['tail', 'live'], env),
    closed: program(t, ['tail', 'closed'], env),
    full: watch(t, spawn('sh', ['-c', '"$0" "$@" > /dev/full', process.execPath, ...process.execArgv, MAIN, 'send', '--help'], { env: INHERITED })),
    // The shell waits for both.
    head: watch(t, spawn('sh', ['-c', `"$0" "$@" | head -1`, process.execPath, ...process.execArgv, MAIN, 'tail', 'kept', '--since', 'earliest'], { env: { ...INHERITED, ...env } }))
  }
  programs.sent.child.stdin?.end('{"a":1}')

  t.test('says which commands there are where the first argument is none, with exit code 2', async (t) => {
    t.equal(await programs.unknown.exited, 2)
    t.match(programs.unknown.text(), { stdout: '', stderr: 'fastify-messenger: "sned" is not a command: use serve, send, tail, token, check, or --help\n' })
  })

  t.test('publishes what is piped into send', async (t) => {
    t.equal(await programs.sent.exited, 0, programs.sent.text().stderr)
    t.match(JSON.parse(programs.sent.text().stdout), { channel: 'piped', id: /:1$/ })
  })

  t.test('tells its version', async (t) => {
    t.equal(await programs.version.exited, 0)
    t.match(programs.version.text().stdout, /^\d+\.\d+\.\d+\n$/)
  })

  t.test('runs the service for serve, and says that its arguments have no effect', async (t) => {
    for (const service of [programs.serve, programs.worker]) await eventually(() => service.text().stdout.includes('listening'), { within: 60_000, message: () => JSON.stringify(service.text()) })
    t.match(programs.serve.text().stdout, '--port 4000 has no effect')
    t.match(programs.worker.text().stdout, 'send has no effect')
    for (const { child } of [programs.serve, programs.worker]) child.kill('SIGTERM')
    t.equal(await programs.serve.exited, 0)
    await programs.worker.exited
  })

  t.test('ends tail with exit code 0 on SIGINT, and prints nothing but messages on its standard output', async (t) => {
    const { child, text, exited } = programs.tail
    await eventually(() => text().stderr.includes('subscribed'), { within: 60_000, message: () => JSON.stringify(text()) })
    await publish(app, 'live', 'x')
    await eventually(() => text().stdout.endsWith('\n'))
    child.kill('SIGINT')
    t.equal(await exited, 0)
    t.match(JSON.parse(text().stdout), { channel: 'live', message: 'x' })
    t.notMatch(text().stderr, /Error|\n +at /)
  })

  t.test('ends tail with exit code 0 when its output is closed, and any command with another one when it cannot be written', async (t) => {
    const { child, text, exited } = programs.closed
    await eventually(() => text().stderr.includes('subscribed'), { within: 60_000, message: () => JSON.stringify(text()) })
    child.stdout?.destroy()
    await publish(app, 'closed', 'x')
    t.equal(await exited, 0)
    t.notMatch(text().stderr, /EPIPE|Error/)
    t.not(await programs.full.exited, 0)
    t.match(programs.full.text().stderr, /ENOSPC/)
  })

  t.test('ends tail | head -1 with the first message', async (t) => {
    t.equal(await programs.head.exited, 0)
    t.match(JSON.parse(programs.head.text().stdout), { channel: 'kept', message: 1 })
    t.notMatch(programs.head.text().stderr, /EPIPE|Error/)
  })
})
