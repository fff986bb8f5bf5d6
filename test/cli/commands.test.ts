import t from 'tap'
import { paintFor } from '../../src/cli/colours.js'
import { COMMAND_LIST, isCommand, unknownCommand } from '../../src/cli/commands.js'
import { exitCodeOf } from '../../src/cli/command.js'
import { answerTo } from '../../src/usage.js'
import { run, Sink } from './run-command.js'

const COMMANDS = ['send', 'tail', 'token', 'check'] as const

t.test('each command', async (t) => {
  t.test('is listed and describes itself with its exit codes', async (t) => {
    for (const name of COMMANDS) {
      t.match(answerTo(['--help']), new RegExp(`^  ${name} `, 'm'))
      t.match(COMMAND_LIST, name)
      for (const flag of ['--help', '-h']) {
        const { code, stdout, stderr } = await run(t, name, ['anything', flag])
        t.match({ code, stderr }, { code: 0, stderr: '' })
        t.match(stdout, new RegExp(`^Usage: .*fastify-messenger ${name}.*Exit codes: 0`, 's'))
      }
    }
  })

  t.test('refuses an option that it does not have, in one line and with exit code 2', async (t) => {
    for (const name of COMMANDS) {
      const { code, stdout, stderr } = await run(t, name, ['--colour'])
      t.match({ code, stdout }, { code: 2, stdout: '' })
      t.match(stderr, new RegExp(`^fastify-messenger ${name}: Unknown option '--colour'.*see fastify-messenger ${name} --help.*\n$`))
    }
  })

  t.test('takes --help behind -- for what it is', async (t) => {
    t.match(await run(t, 'send', ['room', '--', '--help']), { code: 2, stderr: /not JSON/ })
  })
})

t.test('a name', async (t) => {
  t.test('is a command when it is in the list', async (t) => {
    for (const name of [undefined, 'serve', 'constructor', '__proto__', '--help', 'sned']) t.notOk(isCommand(name))
    for (const name of COMMANDS) t.ok(isCommand(name))
    t.equal(unknownCommand('sned'), 'fastify-messenger: "sned" is not a command: use serve, send, tail, token, check, or --help')
  })
})

t.test('an unexpected error', async (t) => {
  t.test('is written with its stack, and ends with exit code 1', async (t) => {
    const { code, stderr } = await run(t, 'token', [], { env: new Proxy({}, { ownKeys () { throw new Error('not foreseen') } }) })
    t.equal(code, 1)
    t.match(stderr, /^fastify-messenger token: Error: not foreseen\n +at /)
    const { stderr: other } = await run(t, 'token', [], { env: new Proxy({}, { ownKeys () { throw 'a text' as unknown as Error } }) })
    t.equal(other, 'fastify-messenger token: a text\n')
  })
})

t.test('colours', async (t) => {
  t.test('are for a terminal alone, and not where NO_COLOR is set', async (t) => {
    t.equal(paintFor(new Sink(true), {})('red', 'x'), '\x1b[31mx\x1b[0m')
    t.equal(paintFor(new Sink(true), { NO_COLOR: '' })('red', 'x'), '\x1b[31mx\x1b[0m')
    for (const [isTTY, env] of [[false, {}], [true, { NO_COLOR: '1' }], [true, { TERM: 'dumb' }]] as const) {
      t.equal(paintFor(new Sink(isTTY), env)('green', 'x'), 'x')
    }
    t.match((await run(t, 'send', [], { isTTY: true })).stderr, /^\x1b\[31mfastify-messenger send:\x1b\[0m/)
  })
})

t.test('the exit code of a command that was ended', async (t) => {
  t.test('is that of its signal, and 0 where its output is not read', async (t) => {
    for (const [reason, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129], ['EPIPE', 0]] as const) {
      t.equal(exitCodeOf(AbortSignal.abort(reason)), code)
    }
  })
})
