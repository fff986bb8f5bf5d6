import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { TOKEN } from '../helper.js'
import { RawConnection, upgradeRequest } from '../sockets.js'

const SERVICE = fileURLToPath(new URL('service.mjs', import.meta.url))
/** Larger messages are refused; small, so that cases around the limit are cheap. */
export const MAX_MESSAGE_BYTES = 4_096
/** Memory of the logs. It is full before the first measurement matters. */
const HISTORY_MAX_BYTES = 1_048_576
/** The accepted growth of the heap: code that was compiled meanwhile, and logs. A leak of a connection a case would be ten times that. */
export const HEAP_BOUND_BYTES = 12 * 1024 ** 2
const SETTLE_MS = 20_000
const POLL_MS = 20

/** Limits on what an address may do in a time, out of the way: all that attacks comes from one. */
const UNLIMITED = Object.fromEntries(['MAX_SUBSCRIBES_PER_SECOND', 'MAX_PUBLISHES_PER_SECOND', 'MAX_REFUSED_TOKENS_PER_MINUTE'].map((name) => [name, '100000000']))

/** The resources that the service holds at a moment. */
export interface Holdings {
  /** TCP connections of the server. */
  connections: number
  /** Channels that have subscribers. */
  channels: number
  /** Timers, sockets and whatever else keeps a process alive. */
  resources: number
  /** Bytes of the heap, after a garbage collection where one was asked for. */
  heap: number
  /** The most that any connection had to send so far, in bytes. */
  unsent: number
}

/** A command to the service: to count its resources, with or without a garbage collection before, or to end. */
type Order = 'count' | 'collect' | 'end'

/** The service under attack, a process of its own. */
export class Target {
  readonly #child: ChildProcess
  readonly port: number

  constructor (child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  /** The exit code or signal when the process has ended, else `null`. */
  get ended (): number | string | null {
    return this.#child.exitCode ?? this.#child.signalCode
  }

  async count (order: Order = 'count'): Promise<Holdings> {
    const answer = once(this.#child, 'message')
    this.#child.send(order)
    return (await answer)[0] as Holdings
  }

  /** Waits until everything but the heap is as it was, and tells what is held then, or at the deadline. */
  async settled (before: Holdings): Promise<Holdings> {
    const deadline = performance.now() + SETTLE_MS
    for (;;) {
      const now = await this.count()
      const back = now.connections === before.connections && now.channels === before.channels && now.resources <= before.resources
      if (back || performance.now() > deadline) return await this.count('collect')
      await delay(POLL_MS)
    }
  }

  /** A TCP connection; the end of the test ends it. */
  async connect (t?: Test): Promise<RawConnection> {
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true })
    t?.teardown(() => { socket.destroy() })
    await once(socket, 'connect')
    return new RawConnection(socket)
  }

  /** A WebSocket by hand; the end of the test ends it. */
  async upgrade (t: Test | undefined, path: string): Promise<RawConnection> {
    const connection = await this.connect(t)
    connection.write(upgradeRequest(path))
    const head = await connection.readHead()
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`Not upgraded: ${head}`)
    return connection
  }
}

/** Starts the service; the end of the test closes it and sees that it was alive until then. */
export async function startTarget (t: Test, env: NodeJS.ProcessEnv = {}): Promise<Target> {
  const child = spawn(process.execPath, ['--expose-gc', SERVICE], {
    env: { PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'silent', BEARER_TOKEN: TOKEN, MAX_MESSAGE_BYTES: String(MAX_MESSAGE_BYTES), HISTORY_MAX_BYTES: String(HISTORY_MAX_BYTES), DRAIN_SECONDS: '0', ...UNLIMITED, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc']
  })
  const exited = once(child, 'exit')
  t.teardown(async () => {
    if (child.connected) child.send('end' satisfies Order)
    const [code] = await exited as [number | null]
    if (code !== 0) throw new Error(`The service ended with ${String(code)}`)
  })
  const [port] = await Promise.race([once(child, 'message'), exited.then(() => { throw new Error('The service did not start') })]) as [number]
  return new Target(child, port)
}
