import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { freePort } from '../../../scripts/free-port.mjs'
import { createDirectory } from '../../temporary.js'

/** How a server is started. */
export interface RedisServerOptions {
  /** Listens on a free TCP port instead of a unix socket. */
  tcp?: boolean
  /** Writes every command to a file before it answers, so that a restart has all data. (With `everysec` a busy disk would delay that.) */
  appendOnly?: boolean
  /** Further arguments of `redis-server`. */
  args?: string[]
}

/** A real `redis-server` in a directory of its own, which can be killed, restarted and paused. */
export class RedisServer {
  readonly directory: string
  readonly port: number
  readonly #args: string[]
  #process: ChildProcess | undefined

  constructor (directory: string, port: number, { appendOnly = false, args = [] }: RedisServerOptions) {
    this.directory = directory
    this.port = port
    this.#args = ['--dir', directory, '--save', '', '--bind', '127.0.0.1', '--port', String(port), '--appendonly', appendOnly ? 'yes' : 'no', '--appendfsync', 'no', ...args]
    if (port === 0) this.#args.push('--unixsocket', this.socket)
  }

  get socket (): string {
    return join(this.directory, 's')
  }

  get url (): string {
    return this.port === 0 ? `unix://${this.socket}` : `redis://127.0.0.1:${this.port}`
  }

  /** Starts it; resolves when it takes commands. */
  async start (program = 'redis-server', first: string[] = [], ready = /ready to accept connections/i): Promise<void> {
    // Ends with this process, also when that is killed.
    const child = this.#process = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...first, ...this.#args], { stdio: ['ignore', 'pipe', 'ignore'] })
    await new Promise<void>((resolve, reject) => {
      const lines: string[] = []
      createInterface({ input: child.stdout }).on('line', (line) => {
        lines.push(line)
        if (ready.test(line)) resolve()
      })
      child.once('error', reject)
      child.once('exit', () => { reject(new Error(`redis-server ended:\n${lines.join('\n')}`)) })
    })
  }

  /** Ends it without notice. */
  async kill (): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  /** Ends it and starts it with what it has on disk. */
  async restart (): Promise<void> {
    await this.kill()
    await this.start()
  }

  /** It keeps its connections and answers nothing. */
  pause (): void {
    this.#process?.kill('SIGSTOP')
  }

  resume (): void {
    this.#process?.kill('SIGCONT')
  }

  /** Keeps what is on disk now; the function that it gives puts it back. The server must not run then. */
  snapshot (): () => void {
    const copy = `${this.directory}.snapshot`
    cpSync(join(this.directory, 'appendonlydir'), copy, { recursive: true })
    return () => {
      this.wipe()
      cpSync(copy, join(this.directory, 'appendonlydir'), { recursive: true })
      rmSync(copy, { recursive: true, force: true })
    }
  }

  /** Loses what is on disk. The server must not run. */
  wipe (): void {
    rmSync(join(this.directory, 'appendonlydir'), { recursive: true, force: true })
  }

  /** A connection for the test itself; the end of the test ends it. */
  connect (t: Test): Redis {
    const client = this.port === 0 ? new Redis(this.socket, { retryStrategy: () => 10 }) : new Redis(this.port, '127.0.0.1', { retryStrategy: () => 10 })
    client.on('error', () => undefined)
    t.teardown(() => { client.disconnect() })
    return client
  }
}

/** Starts a server; the end of the test ends it and removes what it wrote. */
export async function startRedis (t: Test, options: RedisServerOptions = {}): Promise<RedisServer> {
  const server = new RedisServer(createDirectory(t), options.tcp === true ? await freePort() : 0, options)
  t.teardown(() => server.kill())
  await server.start()
  return server
}
