import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { whyNotReady } from './ready.mjs'
import { createSeries } from './series.mjs'

const ENTRY = fileURLToPath(new URL('../dist/src/server.js', import.meta.url))
const LOOPBACK = '127.0.0.1'
/** Several faults of Redis in a row, and then some: an instance is not ready without it. */
const START_TIMEOUT_MS = 60_000
const POLL_MS = 20
const STDERR_CHARACTERS = 4_000

/** Loaded before the service: it ends with the pipe on its standard input, which is how it notices that this process was killed. */
const LEASH = 'data:text/javascript,process.stdin.on("close",()=>process.exit(1)).resume().unref()'

const children = new Set()

// However this process ends, no other one is left behind.
process.on('exit', () => { for (const child of children) child.kill('SIGKILL') })

/** The service as a process of its own. */
export class Service {
  name
  port
  restarts = 0
  /** Whether it is being stopped and started again. */
  restarting = false
  #env
  #watcher
  #child
  #exit
  #stderr = ''
  #log = ''
  #expected = true
  /** Runs the steps on the process one after another, even after a failed one. */
  #inTurn = createSeries()

  /**
   * @param env of the service, besides its address
   * @param watcher `onFailure(text)` is told what the process must not do: end by itself, write to stderr, miss its time to shut
   *   down; `onBegin()`, `onReady()` and `onEnd()` when it begins, serves for the first time and is gone
   */
  constructor (name, port, env, { onFailure, onBegin = () => {}, onReady = () => {}, onEnd = () => {} }) {
    this.name = name
    this.port = port
    this.#env = env
    this.#watcher = { onFailure, onBegin, onReady, onEnd }
  }

  /** The end of what the process wrote. */
  get #said () {
    return `${this.#stderr.trim()} ${this.#log.trim()}`
  }

  /** Starts the process; resolves when it serves. */
  async start () {
    this.#log = ''
    const env = { ...process.env, PORT: String(this.port), HOST: LOOPBACK, LOG_LEVEL: 'error', ...this.#env }
    const child = this.#child = spawn(process.execPath, ['--import', LEASH, ENTRY], { env, stdio: ['pipe', 'pipe', 'pipe'] })
    children.add(child)
    this.#watcher.onBegin()
    this.#expected = false
    // An error that ends the process is in its log alone.
    child.stdout.setEncoding('utf8').on('data', (text) => { this.#log = (this.#log + text).slice(-STDERR_CHARACTERS) })
    child.stderr.setEncoding('utf8').on('data', (text) => { this.#stderr = (this.#stderr + text).slice(-STDERR_CHARACTERS) })
    this.#exit = once(child, 'close').then(([code, signal]) => {
      children.delete(child)
      this.#watcher.onEnd()
      if (!this.#expected) this.#watcher.onFailure(`the service ended by itself (${signal ?? `exit code ${code}`}): ${this.#said}`)
      return { code, signal }
    })
    await this.ready()
    this.#watcher.onReady()
  }

  /** Resolves when the process serves; rejects when it does not within the time. */
  async ready (timeoutMs = START_TIMEOUT_MS) {
    const deadline = performance.now() + timeoutMs
    while (!await this.isReady()) {
      if (performance.now() > deadline || this.#child.exitCode !== null) throw new Error(`the service was not ready within ${timeoutMs} ms: ${this.#stderr.trim()}`)
      await delay(POLL_MS)
    }
  }

  /** Whether the process says now that it serves. */
  async isReady () {
    return await whyNotReady(this.port) === undefined
  }

  /** Ends the process with a signal; resolves when it is gone. */
  async stop (signal, timeoutMs) {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    this.#expected = true
    child.kill(signal)
    const timer = setTimeout(() => {
      this.#watcher.onFailure(`the service was still there ${timeoutMs} ms after ${signal}`)
      child.kill('SIGKILL')
    }, timeoutMs)
    const { code } = await this.#exit
    clearTimeout(timer)
    if (signal === 'SIGTERM' && code !== null && code !== 0) this.#watcher.onFailure(`the service ended with exit code ${code} after SIGTERM: ${this.#said}`)
    if (this.#stderr !== '') this.#watcher.onFailure(`the service wrote to stderr: ${this.#stderr.trim()}`)
    this.#stderr = ''
  }

  /** Stands still for a while, as on a machine that is overloaded: its connections stay open and nothing is answered. */
  pause (ms, onStop) {
    return this.#inTurn(async () => {
      onStop()
      this.#child.kill('SIGSTOP')
      await delay(ms)
      this.#child.kill('SIGCONT')
    })
  }

  /** Stops the process, waits and starts it again. */
  restart (signal, { timeoutMs, downMs, onSignal }) {
    return this.#inTurn(async () => {
      this.restarts++
      this.restarting = true
      try {
        onSignal()
        await this.stop(signal, timeoutMs)
        await delay(downMs)
        await this.start()
      } finally {
        this.restarting = false
      }
    })
  }
}
