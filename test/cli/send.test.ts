import { Readable } from 'node:stream'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ask, origin, startService, TOKEN } from '../helper.js'
import { eventually } from '../eventually.js'
import { run, serve, startCommand } from './run-command.js'
import { createDirectory } from '../temporary.js'

t.test('send', async (t) => {
  const app = await startService(t)
  const env = { MESSENGER_URL: origin(app), MESSENGER_TOKEN: TOKEN }
  const kept = async (channel: string): Promise<string> => (await ask(app, `/${channel}`)).text

  t.test('publishes an argument as it is written, and prints the answer', async (t) => {
    const { code, stdout, stderr } = await run(t, 'send', ['room', ' {"n": 12345678901234567890} '], { env })
    t.match({ code, stderr }, { code: 0, stderr: '' })
    t.match(JSON.parse(stdout), { channel: 'room', id: /:1$/, subscribers: 0 })
    t.match(await kept('room'), '"message":{"n": 12345678901234567890},')
  })

  t.test('publishes what stands on standard input', async (t) => {
    t.equal((await run(t, 'send', ['piped'], { env, stdin: '{"a":\n[1]}\n' })).code, 0)
    t.match(await kept('piped'), '"message":{"a":[1]}')
    const typed = await run(t, 'send', ['typed'], { env, stdin: '1', isTTY: true })
    t.match(typed, { code: 0, stderr: /Ctrl\+D/ })
  })

  t.test('delivers once what is sent again with its key', async (t) => {
    const args = ['once', '1', '--idempotency-key', 'k']
    t.notMatch((await run(t, 'send', args, { env })).stdout, 'duplicate')
    t.match((await run(t, 'send', args, { env })).stdout, '"duplicate":true')
    t.match(await run(t, 'send', ['once', '2', '--idempotency-key', 'k'], { env }), { code: 1, stdout: '', stderr: /MSG_ERR_IDEMPOTENCY_CONFLICT/ })
  })

  t.test('publishes line by line, in order, with a key for each, and goes on behind a line that is no message', async (t) => {
    const stdin = '1\n\n{bad\n"x"\nnull\n2'
    const { code, stdout, stderr } = await run(t, 'send', ['lines', '--lines', '--idempotency-key', 'file'], { env, stdin })
    t.equal(code, 1)
    t.strictSame(stdout.trim().split('\n').map((line) => (JSON.parse(line) as { id: string }).id.split(':')[1]), ['1', '2', '3'])
    t.match(stderr, /line 3: Message cannot be written.*\n.*line 5: Message is missing/)
    t.strictSame((JSON.parse(await kept('lines')) as { messages: { message: unknown }[] }).messages.map(({ message }) => message), [1, 'x', 2])
    t.match((await run(t, 'send', ['lines', '--lines', '--idempotency-key', 'file'], { env, stdin })).stdout, /duplicate.*\n.*duplicate.*\n.*duplicate/)
  })

  t.test('takes more lines than may be pending', async (t) => {
    const { code, stdout } = await run(t, 'send', ['many', '--lines'], { env, stdin: '1\n'.repeat(6_000) })
    t.equal(code, 0)
    t.match(stdout.trim().split('\n').at(-1), /:6000"/)
  })

  t.test('says what is wrong with the arguments in one line, and sends nothing', async (t) => {
    const cases: [string[], RegExp, NodeJS.ProcessEnv?][] = [
      [[], /name a channel/],
      [['no space', '1'], /"no space" is not the name/],
      [['a', '{bad'], /not JSON/],
      [['a', 'hello'], /a text needs double quotes/],
      [['a', ''], /there is no message/],
      [['a'], /there is no message/],
      [['a', '1', '2'], /one message/],
      [['a', '1', '--lines'], /--lines reads/],
      [['a', '1', '--wait', '31'], /--wait must be an integer from 1 to 30, but is "31"/],
      [['a', '1', '--retry', 'x'], /--retry must be/],
      [['a', '1', '--server', 'localhost:3000'], /--server must be an address/],
      [['a', '1'], /MESSENGER_URL must be/, { MESSENGER_URL: 'http://user:hush@127.0.0.1' }],
      [['a', '1'], /a token is needed/, { MESSENGER_URL: 'https://example.com' }]
    ]
    for (const [args, text, given = env] of cases) {
      const { code, stdout, stderr } = await run(t, 'send', args, { env: given })
      t.match({ code, stdout, stderr }, { code: 2, stdout: '', stderr: text })
      t.equal(stderr.split('\n').length, 2)
      t.notMatch(stderr, /hush/)
    }
  })

  t.test('takes the token and the address from where they are', async (t) => {
    const directory = createDirectory(t)
    const file = join(directory, 'token')
    writeFileSync(file, `${TOKEN}\n`)
    const PORT = new URL(origin(app)).port
    for (const given of [{ BEARER_TOKEN: `${TOKEN}, another` }, { BEARER_TOKEN_FILE: file }, { MESSENGER_TOKEN: TOKEN, BEARER_TOKEN: 'wrong' }]) {
      t.equal((await run(t, 'send', ['a', '1'], { env: { PORT, ...given } })).code, 0)
    }
    t.match(await run(t, 'send', ['a', '1'], { env: { PORT, BEARER_TOKEN_FILE: join(directory, 'hush') } }), { code: 1, stderr: /BEARER_TOKEN_FILE must name a file that can be read \(ENOENT\)\n$/ })
    t.match(await run(t, 'send', ['a', '1'], { env: { PORT, BEARER_TOKEN: 'hush hush' } }), { code: 1, stderr: /token must be printable ASCII characters without white space \(MESSENGER_TOKEN, BEARER_TOKEN\)\n$/ })
    t.match(await run(t, 'send', ['a', '1'], { env: { PORT } }), { code: 1, stderr: /MSG_ERR_TOKEN_INVALID/ }, 'default-secret')
    t.match(await run(t, 'send', ['a', '1', '--retry', '1'], { env: { MESSENGER_URL: '', PORT: '/run/socket' } }), { code: 1 }, 'port 3000')
  })

  t.test('prints receipts where the service gives them, and says where it gives none', async (t) => {
    const asked: unknown[] = []
    const server = await serve(t, (request, response) => {
      asked.push([request.url, request.headers['prefer'], request.headers['idempotency-key']])
      response.setHeader('content-type', 'application/json').end('{"status":"Message sent","id":"e:1","subscribers":4,"received":2,"silent":1,"unable":1,"latencyMs":{"p50":3,"max":9}}')
    })
    const { code, stdout } = await run(t, 'send', ['a b'.replace(' ', ':'), '1', '--wait', '5', '--idempotency-key', 'k', '--server', `${server}/rt/`])
    t.equal(code, 0)
    t.strictSame(JSON.parse(stdout), { channel: 'a:b', id: 'e:1', subscribers: 4, received: 2, silent: 1, unable: 1, latencyMs: { p50: 3, max: 9 } })
    t.strictSame(asked, [['/rt/send/a%3Ab', 'wait=5', 'k']])
    const without = await serve(t, (_request, response) => { response.end('{"id":"e:1","subscribers":4}') })
    t.match(await run(t, 'send', ['a', '1', '--wait', '5', '--server', without]), { code: 0, stdout: /"subscribers":4}/, stderr: /gives no receipts/ })
  })

  t.test('repeats while the service is away, says so once, and gives up with exit code 1', async (t) => {
    let requests = 0
    const server = await serve(t, (_request, response) => {
      requests++
      response.writeHead(503, { 'content-type': 'application/json' }).end('{"statusCode":503,"code":"MSG_ERR_CLOSED","error":"","message":"The messenger is closed"}')
    })
    const { code, stderr } = await run(t, 'send', ['a', '1', '--retry', '1', '--server', server])
    t.equal(code, 1)
    t.ok(requests > 1)
    t.match(stderr, /^fastify-messenger send: The messenger is closed, trying again for 1 s\nfastify-messenger send: The message was not confirmed within 1 s.*not delivered.*\n$/)
  })

  t.test('ends with the code of the signal, whatever it waits for', async (t) => {
    const server = await serve(t, () => {})
    const waiting = startCommand(t, 'send', ['a', '1', '--server', server])
    await eventually(() => process.getActiveResourcesInfo().includes('TCPSocketWrap'))
    waiting.end('SIGINT')
    t.equal(await waiting.exited, 130)
    t.equal(waiting.stderr.text, '')
    const reading = startCommand(t, 'send', ['a'], { env, stdin: new Readable({ read () {} }) })
    reading.end('SIGTERM')
    t.equal(await reading.exited, 143)
    const stdin = new Readable({ read () {} })
    stdin.push('1\n')
    const lines = startCommand(t, 'send', ['endless', '--lines'], { env, stdin })
    await lines.stdout.has(/:1"/)
    lines.end('EPIPE')
    t.equal(await lines.exited, 0)
  })
})
