import { EventEmitter, once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { Test } from 'tap'
import { type CommandName, runCommand } from '../../src/cli/commands.js'
import type { Context, Output } from '../../src/cli/command.js'
import { eventually } from '../eventually.js'

/** A stream of a command that keeps what is written. */
export class Sink extends EventEmitter implements Output {
  text = ''
  /** Whether writes say that no more is taken. */
  full = false

  constructor (readonly isTTY = false) { super() }

  write (text: string): boolean {
    this.text += text
    return !this.full
  }

  get lines (): string[] {
    return this.text.split('\n').slice(0, -1)
  }

  /** Resolves when a line matches. */
  async has (pattern: RegExp): Promise<void> {
    await eventually(() => pattern.test(this.text), { message: () => `${String(pattern)} in ${JSON.stringify(this.text)}` })
  }
}

/** How a command is run. */
export interface RunOptions {
  env?: NodeJS.ProcessEnv
  stdin?: string | Readable
  isTTY?: boolean
}

/** A command that runs in this process. */
export interface Running {
  readonly stdout: Sink
  readonly stderr: Sink
  readonly exited: Promise<number>
  end (reason: string): void
}

/** Starts a command; the end of the test ends it. */
export function startCommand (t: Test, name: CommandName, args: string[], { env = {}, stdin = '', isTTY = false }: RunOptions = {}): Running {
  const abort = new AbortController()
  const [stdout, stderr] = [new Sink(isTTY), new Sink(isTTY)]
  const input = typeof stdin === 'string' ? Readable.from(stdin === '' ? [] : [stdin]) : stdin
  const context: Context = { env, stdin: Object.assign(input, { isTTY }), stdout, stderr, signal: abort.signal }
  const exited = runCommand(name, args, context)
  const end = (reason: string): void => {
    abort.abort(reason)
    input.destroy()
  }
  t.teardown(async () => {
    end('SIGINT')
    await exited
  })
  return { stdout, stderr, exited, end }
}

/** The output of a command, and its exit code. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end. */
export async function run (t: Test, name: CommandName, args: string[], options: RunOptions = {}): Promise<Ended> {
  const { stdout, stderr, exited } = startCommand(t, name, args, options)
  const code = await exited
  return { code, stdout: stdout.text, stderr: stderr.text }
}

/** A server of the test's own; resolves with its address. */
export async function serve (t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
