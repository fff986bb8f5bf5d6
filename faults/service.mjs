import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const ENTRY = fileURLToPath(new URL('../dist/src/server.js', import.meta.url))
const LOOPBACK = '127.0.0.1'
const FIRST_PORT = 10_000
const PORTS = 20_000
/** Twice what Redis may be away for in a fault, and then some: an instance is not ready without it. */
const START_TIMEOUT_MS = 20_000
const POLL_MS = 20
const STDERR_CHARACTERS = 4_000

/** Loaded before the service: it ends with the pipe on its standard input, which is how it notices that this process was killed. */
const LEASH = 'data:text/javascript,process.stdin.on("close",()=>process.exit(1)).resume().unref()'

const children = new Set()

// However this process ends, no other one is left behind.
process.on('exit', () => { for (const child of children) child.kill('SIGKILL') })

/**
 * A port that is free now and that no outgoing connection takes while its server is down, for systems draw theirs from higher
 * ones. The service keeps it over its restarts, as one behind a fixed name would.
 */
export async function freePort () {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS)
    const server = createServer().listen(port, LOOPBACK)
    try {
      await once(server, 'listening')
      server.close()
      await once(server, 'close')
      return port
    } catch (error) {
      if (error.code !== 'EADDRINUSE') throw error
    }
  }
}

/** The service as a process of its own. */
export class Service {
  port
  restarts = 0
  #env
  #onFailure
  #child
  #exit
  #stderr = ''
  #expected = true
  #turn = Promise.resolve()

  /**
   * @param env of the service, besides its address
   * @param onFailure is told what the process must not do: end by itself, write to stderr, miss its time to shut down
   */
  constructor (port, env, onFailure) {
    this.port = port
    this.#env = env
    this.#onFailure = onFailure
  }

  /** Starts the process; resolves when it serves. */
  async start () {
    const env = { ...process.env, PORT: String(this.port), HOST: LOOPBACK, LOG_LEVEL: 'silent', ...this.#env }
    const child = this.#child = spawn(process.execPath, ['--import', LEASH, ENTRY], { env, stdio: ['pipe', 'ignore', 'pipe'] })
    children.add(child)
    this.#expected = false
    child.stderr.setEncoding('utf8').on('data', (text) => { this.#stderr = (this.#stderr + text).slice(-STDERR_CHARACTERS) })
    this.#exit = once(child, 'close').then(([code, signal]) => {
      children.delete(child)
      if (!this.#expected) this.#onFailure(`the service ended by itself (${signal ?? `exit code ${code}`}): ${this.#stderr.trim()}`)
      return { code, signal }
    })
    await this.ready()
  }

  /** Resolves when the process serves. */
  async ready () {
    const deadline = performance.now() + START_TIMEOUT_MS
    while (!await isReady(this.port)) {
      if (performance.now() > deadline || this.#child.exitCode !== null) throw new Error(`the service did not start: ${this.#stderr.trim()}`)
      await delay(POLL_MS)
    }
  }

  /** Ends the process with a signal; resolves when it is gone. */
  async stop (signal, timeoutMs) {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    this.#expected = true
    child.kill(signal)
    const timer = setTimeout(() => {
      this.#onFailure(`the service was still there ${timeoutMs} ms after ${signal}`)
      child.kill('SIGKILL')
    }, timeoutMs)
    const { code } = await this.#exit
    clearTimeout(timer)
    if (signal === 'SIGTERM' && code !== null && code !== 0) this.#onFailure(`the service ended with exit code ${code} after SIGTERM: ${this.#stderr.trim()}`)
    if (this.#stderr !== '') this.#onFailure(`the service wrote to stderr: ${this.#stderr.trim()}`)
    this.#stderr = ''
  }

  /** Stops the process, waits and starts it again; one restart at a time. */
  restart (signal, { timeoutMs, downMs, onSignal }) {
    return this.#turn = this.#turn.then(async () => {
      this.restarts++
      onSignal()
      await this.stop(signal, timeoutMs)
      await delay(downMs)
      await this.start()
    })
  }
}

async function isReady (port) {
  try {
    const response = await fetch(`http://${LOOPBACK}:${port}/-/ready`, { headers: { connection: 'close' }, signal: AbortSignal.timeout(1_000) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}
