import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { hubOf } from '../src/channels/registry.js'
import { start } from '../src/server.js'
import { eventually } from './eventually.js'
import { rejection } from './codes.js'
import { Opcode } from './frames.js'
import { type Answer, ask, assertError, GOING_AWAY, publishHeaders, startService, TOKEN } from './helper.js'
import { connectRaw, RawConnection, Subscription, upgradeRequest } from './sockets.js'

const SERVER = fileURLToPath(new URL('../src/server.ts', import.meta.url))

/** A module that sends SIGTERM to its own process as soon as a server begins to listen. */
const SIGNAL_WHEN_LISTENING = `data:text/javascript,${encodeURIComponent(`import { Server } from 'node:net'
const { listen } = Server.prototype
Server.prototype.listen = function (...args) {
  Server.prototype.listen = listen
  process.kill(process.pid, 'SIGTERM')
  return listen.apply(this, args)
}`)}`

/** The service as a process of its own. */
class ServiceProcess {
  readonly child: ChildProcess
  readonly lines: string[] = []
  stderr = ''
  /** The exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>
  /** Resolves when it says so to the process that started it. */
  readonly ready: Promise<unknown>
  readonly #listening: Promise<string>

  constructor (t: Test, env: NodeJS.ProcessEnv, { nodeArgs = [], args = [] }: { nodeArgs?: string[], args?: string[] } = {}) {
    // The loaders of TypeScript and of the coverage are passed on; of the environment only what they need.
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(PATH|HOME|NODE_|TAP|_TAP|TS_NODE_|TSIMP_)/.test(name)))
    this.child = spawn(process.execPath, [...process.execArgv, ...nodeArgs, SERVER, ...args], { env: { ...inherited, PORT: '0', ...env }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    t.teardown(() => { this.child.kill('SIGKILL') })
    this.exited = once(this.child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
    this.ready = new Promise((resolve) => { this.child.on('message', (message) => { if (message === 'ready') resolve(message) }) })
    this.child.stderr?.on('data', (chunk: Buffer) => { this.stderr += chunk.toString() })
    this.#listening = new Promise((resolve, reject) => {
      createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        this.lines.push(line)
        const [, url] = /Server listening at (?:http:\/\/)?(127\.0\.0\.1:\d+|\/[^"]+)/.exec(line) ?? []
        if (url !== undefined) resolve(url)
      })
      this.exited.then((code) => { reject(new Error(`It ended with ${code}: ${this.stderr}`)) }, reject)
    })
    this.#listening.catch(() => undefined)
  }

  /** Resolves with the host and port when it listens. */
  async listening (): Promise<string> {
    return await this.#listening
  }
}

t.test('start', async (t) => {
  t.test('listens where the environment says', async (t) => {
    const app = await startService(t)
    t.equal((app.server.address() as AddressInfo).address, '127.0.0.1')
    t.equal((await ask(app, '/-/live')).status, 200)
  })

  t.test('has a public token when it is given none', async (t) => {
    const app = await startService(t, { BEARER_TOKEN: '', HOST: '' })
    t.equal((app.server.address() as AddressInfo).address, '127.0.0.1')
    const answer = await ask(app, '/send/room', { method: 'POST', headers: publishHeaders({ authorization: 'Bearer default-secret' }), body: '{"message":1}' })
    t.equal(answer.status, 200)
  })

  t.test('rejects an invalid environment', async (t) => {
    t.equal(await rejection(start({ PORT: 'http' })), 'MSG_ERR_CONFIG_INVALID')
    t.equal(await rejection(start({ HOST: '0.0.0.0' })), 'MSG_ERR_CONFIG_INVALID')
  })

  t.test('rejects when the port is taken, and leaves nothing running', async (t) => {
    const first = await startService(t)
    const { port } = first.server.address() as AddressInfo
    const before = process.getActiveResourcesInfo()
    await t.rejects(start({ PORT: String(port), HOST: '127.0.0.1', LOG_LEVEL: 'silent', BEARER_TOKEN: TOKEN }), { code: 'EADDRINUSE' })
    await eventually(() => process.getActiveResourcesInfo().length <= before.length)
  })
})

async function publishBatch (app: FastifyInstance): Promise<Answer> {
  return await ask(app, '/send', { method: 'POST', headers: publishHeaders(), body: '{"channels":["room"],"message":1}' })
}

t.test('the service', async (t) => {
  t.test('answers an unforeseen error with 500 and tells only its log why', async (t) => {
    const app = await startService(t)
    const logged: unknown[] = []
    app.log.error = (error: unknown) => { logged.push(error) }
    app.channels.publishAll = async () => await Promise.reject(new Error('a detail that is nobody\'s business'))
    const answer = await publishBatch(app)
    assertError(t, answer, 500, 'MSG_ERR_INTERNAL')
    t.notMatch(answer.text, 'business')
  })

  t.test('passes on the status and the code of an error that a request caused', async (t) => {
    const app = await startService(t)
    app.channels.publishAll = async () => await Promise.reject(Object.assign(new Error('not like this'), { statusCode: 409, code: 'FST_SOMETHING' }))
    assertError(t, await publishBatch(app), 409, 'FST_SOMETHING')
  })

  t.test('answers 400 when the length of a body is not what was announced', async (t) => {
    const app = await startService(t)
    const { statusCode, body } = await app.inject({ method: 'POST', url: '/send/room', headers: { ...publishHeaders(), 'content-length': '5' } as Record<string, string>, payload: '{"message":1}' })
    t.equal(statusCode, 400)
    t.match(JSON.parse(body), { code: 'MSG_ERR_BODY_INVALID' })
  })

  t.test('answers what is at no path before its body comes, whatever that is', async (t) => {
    const app = await startService(t)
    for (const [type, length] of [['text/plain', 'Content-Length: 1000'], ['application/json', 'Content-Length: 99999999999'], ['application/json', 'Transfer-Encoding: chunked']] as const) {
      const connection = await connectRaw(t, app)
      connection.write(`POST /no/channel HTTP/1.1\r\nHost: test\r\nContent-Type: ${type}\r\n${length}\r\n\r\n`)
      const head = await connection.readHead()
      t.match(head, /^HTTP\/1\.1 404 /)
      t.match(JSON.parse((await connection.readBytes(Number(/content-length: (\d+)/.exec(head)?.[1]))).toString()), { statusCode: 404, code: 'MSG_ERR_NOT_FOUND' })
    }
  })

  t.test('answers requests during the close in the form of every error', async (t) => {
    const app = await startService(t)
    const requests = ['POST /send/room HTTP/1.1\r\nHost: test\r\n', 'GET /room HTTP/1.1\r\nHost: test\r\n', 'GET /room?wait=9 HTTP/1.1\r\nHost: test\r\n']
    const connections = await Promise.all(requests.map(async (start) => {
      const connection = await connectRaw(t, app)
      connection.write(start)
      return connection
    }))
    // Answered behind the first parts, so that these have been read.
    await ask(app, '/-/live')
    const closed = app.close()
    await eventually(() => hubOf(app.channels).closing)
    for (const connection of connections) {
      connection.write(`Authorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"message":1}`)
      const head = await connection.readHead()
      t.match(head, /^HTTP\/1\.1 503 [^]*connection: close/i)
      t.match(head, /retry-after: 1/i)
      t.match(JSON.parse((await connection.readBytes(Number(/content-length: (\d+)/.exec(head)?.[1]))).toString()), { statusCode: 503, code: 'MSG_ERR_CLOSED' })
      await connection.closed
    }
    await closed
  })
})

t.test('the process', async (t) => {
  const blocker = createServer().listen(0, '127.0.0.1')
  t.teardown(() => { blocker.close() })
  await once(blocker, 'listening')
  const { port: taken } = blocker.address() as AddressInfo

  // All at once, because each takes seconds to compile.
  const processes = {
    invalid: new ServiceProcess(t, { MAX_MESSAGE_BYTES: 'many', BEARER_TOKEN: 'top-secret' }),
    blocked: new ServiceProcess(t, { PORT: String(taken), LOG_LEVEL: 'silent' }),
    open: new ServiceProcess(t, { DRAIN_SECONDS: '1' }),
    secret: new ServiceProcess(t, { BEARER_TOKEN: 'top-secret', HOST: '127.0.0.1', LOG_LEVEL: 'trace' }),
    impatient: new ServiceProcess(t, { DRAIN_SECONDS: '60', BEARER_TOKEN: 'top-secret', HOST: '127.0.0.1' }, { args: ['--port', '4000'] }),
    failing: new ServiceProcess(t, {}, { nodeArgs: ['--import', "data:text/javascript,process.once('SIGUSR2', () => { throw new Error('nobody foresaw this') })"] }),
    early: new ServiceProcess(t, { DRAIN_SECONDS: '1' }, { nodeArgs: ['--import', SIGNAL_WHEN_LISTENING] }),
    asked: new ServiceProcess(t, { PORT: 'invalid' }, { args: ['--version'] })
  }

  t.test('ends with one line and exit code 1 when a value is invalid', async (t) => {
    const { exited, lines } = processes.invalid
    t.equal(await exited, 1)
    t.match(processes.invalid.stderr, /^fastify-messenger: MAX_MESSAGE_BYTES must be an integer from 1 to \d+, but is "many"\n$/)
    t.strictSame(lines, [])
  })

  t.test('ends with one line and exit code 1 when the port is taken', async (t) => {
    t.equal(await processes.blocked.exited, 1)
    t.match(processes.blocked.stderr, new RegExp(`^fastify-messenger: .*EADDRINUSE.*${taken}\n$`))
  })

  t.test('warns without a token; on SIGTERM it closes its WebSockets and ends with exit code 0, also with a client that answers nothing', async (t) => {
    const service = processes.open
    const address = await service.listening()
    t.match(service.lines.join('\n'), /"level":40.*BEARER_TOKEN is not set/)
    const subscriptions = ['room', 'room', 'other'].map((channel) => new Subscription(`ws://${address}/${channel}`))
    for (const { opened } of subscriptions) await opened
    const [host, port] = address.split(':')
    const socket = connect(Number(port), host)
    t.teardown(() => { socket.destroy() })
    await once(socket, 'connect')
    const deaf = new RawConnection(socket)
    deaf.write(upgradeRequest('/room', address))
    t.match(await deaf.readHead(), /^HTTP\/1\.1 101 /)
    service.child.kill('SIGTERM')
    t.match(await deaf.readFrame(), { opcode: Opcode.CLOSE })
    for (const { closed } of subscriptions) {
      const { code, reason } = await closed
      t.ok(GOING_AWAY.includes(code), `closed with ${code} ${reason}`)
    }
    t.equal(await service.exited, 0)
    t.equal(service.stderr, '')
    await deaf.closed
  })

  t.test('tells no secret at any level of the log, and ends on SIGINT with exit code 0', async (t) => {
    const service = processes.secret
    const address = await service.listening()
    for (const token of ['top-secret', 'wrong-guess']) {
      await fetch(`http://${address}/send/room`, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: '{"message":"hush-hush"}' })
    }
    service.child.kill('SIGINT')
    t.equal(await service.exited, 0)
    t.notMatch(service.lines.join('\n') + service.stderr, /top-secret|wrong-guess|hush-hush/)
  })

  t.test('ends with exit code 0 on a signal that comes as soon as it listens', async (t) => {
    t.equal(await processes.early.exited, 0)
    t.equal(processes.early.stderr, '')
  })

  t.test('tells its version without a start, whatever the environment says', async (t) => {
    const { exited, lines } = processes.asked
    t.equal(await exited, 0)
    t.match(lines, [/^\d+\.\d+\.\d+$/])
  })

  t.test('ends at once, with exit code 1, on a signal that comes more than a second after the first one', async (t) => {
    const service = processes.impatient
    await service.ready
    t.match(service.lines.join('\n'), /"level":40.*--port 4000 has no effect/)
    const [host, port] = (await service.listening()).split(':')
    const socket = connect(Number(port), host)
    t.teardown(() => { socket.destroy() })
    await once(socket, 'connect')
    const deaf = new RawConnection(socket)
    deaf.write(upgradeRequest('/room'))
    t.match(await deaf.readHead(), /^HTTP\/1\.1 101 /)
    await eventually(() => {
      service.child.kill('SIGTERM')
      return service.child.exitCode !== null
    }, { message: 'the process ends' })
    t.equal(await service.exited, 1)
    t.match(service.lines.join('\n'), /"level":50.*second SIGTERM, exiting/)
  })

  t.test('logs an unexpected error and ends with exit code 1, after its WebSockets were closed', async (t) => {
    const service = processes.failing
    const subscription = new Subscription(`ws://${await service.listening()}/room`)
    await subscription.opened
    service.child.kill('SIGUSR2')
    t.ok(GOING_AWAY.includes((await subscription.closed).code))
    t.equal(await service.exited, 1)
    t.match(service.lines.join('\n'), /"level":50.*nobody foresaw this/)
  })
})
