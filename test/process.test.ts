import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, symlinkSync, writeFileSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { removeStaleSocket } from '../src/unix-socket.js'
import { answerTo } from '../src/usage.js'
import { startService } from './helper.js'
import { eventually } from './eventually.js'
import { createDirectory } from './temporary.js'

// As it is shipped, so that it starts at once.
const SERVER = fileURLToPath(new URL('../dist/src/server.js', import.meta.url))

interface Service {
  child: ChildProcess
  output: () => string
  exited: Promise<unknown>
}

function run (t: Test, command: string, args: string[], env: NodeJS.ProcessEnv = {}, options: SpawnOptions = {}): Service {
  const child = spawn(command, args, { env: { PATH: process.env['PATH'], HOME: process.env['HOME'], BEARER_TOKEN: 'test', HOST: '127.0.0.1', PORT: '0', DRAIN_SECONDS: '1', ...env }, stdio: ['ignore', 'pipe', 'pipe'], ...options })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => { output += chunk.toString() })
  t.teardown(() => { child.kill('SIGKILL') })
  return { child, output: () => output, exited: once(child, 'close').then(([code]) => code as unknown) }
}

async function listening ({ output }: Service): Promise<string> {
  const pattern = /Server listening at (?:http:\/\/)?([^"]+)/
  await eventually(() => pattern.test(output()))
  return pattern.exec(output())?.[1] ?? ''
}

async function statusAt (socketPath: string): Promise<number | undefined> {
  const outgoing = request({ socketPath, path: '/-/ready' }).end()
  const [{ statusCode }] = await once(outgoing, 'response') as [IncomingMessage]
  return statusCode
}

t.test('the program', async (t) => {
  t.test('starts however it is named, or loaded by a process manager', async (t) => {
    const link = join(createDirectory(t), 'link.js')
    symlinkSync(SERVER, link)
    const wrapper = join(createDirectory(t), 'wrapper.mjs')
    // The two ways in which pm2 starts a program.
    writeFileSync(wrapper, 'import(process.env.pm_exec_url)')
    const ways: [string[], NodeJS.ProcessEnv?][] = [[[SERVER.replace(/\.js$/, '')]], [[link]], [[wrapper], { pm_exec_path: SERVER, pm_exec_url: pathToFileURL(SERVER).href }]]
    for (const [args, env] of ways) {
      const service = run(t, process.execPath, args, env)
      t.match(await listening(service), /^127/)
      service.child.kill('SIGTERM')
      t.equal(await service.exited, 0)
    }
  })

  t.test('tells its version and its variables without a start, and that other arguments have no effect', async (t) => {
    for (const [argument, text] of [['--version', /^\d+\.\d+\.\d+\n$/], ['--help', /HISTORY_SIZE/]] as const) {
      const service = run(t, process.execPath, [SERVER, argument], { PORT: 'invalid' })
      t.equal(await service.exited, 0)
      t.match(service.output(), text)
    }
    t.equal(answerTo(['--port', '4000']), undefined)
    t.match(answerTo(['-v']), /^\d/)
    t.match(answerTo(['-h']), /Usage/)
    const service = run(t, process.execPath, [SERVER, '--port', '4000'], { HISTORY_SIZ: '1' })
    await listening(service)
    t.match(service.output(), /--port 4000 has no effect/)
    t.match(service.output(), /HISTORY_SIZ is unknown/)
  })

  t.test('closes its WebSockets with 1012 when npm passes on the signal that it got, too', async (t) => {
    const service = run(t, 'npm', ['start'], {}, { detached: true })
    const address = await listening(service)
    const socket = new WebSocket(`ws://${address}/room`)
    await once(socket, 'open')
    process.kill(-(service.child.pid as number), 'SIGINT')
    t.equal((await once(socket, 'close'))[0], 1012)
  })

  t.test('stays under nohup when its terminal ends', async (t) => {
    const service = run(t, 'nohup', [process.execPath, SERVER])
    const address = await listening(service)
    service.child.kill('SIGHUP')
    t.equal((await fetch(`http://${address}/-/ready`)).status, 200)
    service.child.kill('SIGTERM')
    t.equal(await service.exited, 0)
  })

  t.test('warns as one of several processes that share nothing', async (t) => {
    const primary = join(createDirectory(t), 'primary.mjs')
    writeFileSync(primary, `import cluster from 'node:cluster'\ncluster.setupPrimary({ exec: ${JSON.stringify(SERVER)} })\nfor (let index = 0; index < 2; index++) cluster.fork()\n`)
    const service = run(t, process.execPath, [primary])
    await eventually(() => [...service.output().matchAll(/worker of a cluster/g)].length === 2)
    service.child.kill('SIGTERM')
    await service.exited
  })
})

t.test('PORT as the path of a unix socket', async (t) => {
  t.test('is listened on, also where a process that was killed left it behind', async (t) => {
    const path = join(createDirectory(t), 'messenger.sock')
    const killed = run(t, process.execPath, [SERVER], { PORT: path })
    t.equal(await listening(killed), path)
    killed.child.kill('SIGKILL')
    await killed.exited
    t.ok(existsSync(path))
    const app = await startService(t, { PORT: path, HOST: '', BEARER_TOKEN: '' })
    t.equal(await statusAt(path), 200)
    await t.rejects(startService(t, { PORT: path }), { code: 'EADDRINUSE' })
    await app.close()
    t.notOk(existsSync(path))
  })

  t.test('takes no other file away', async (t) => {
    const path = join(createDirectory(t), 'file')
    writeFileSync(path, 'mine')
    await removeStaleSocket(path)
    await removeStaleSocket(`${path}-none`)
    await t.rejects(startService(t, { PORT: path }), { code: 'EADDRINUSE' })
    t.ok(existsSync(path))
  })
})
