import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createSeries } from './series.mjs'

const LOOPBACK = '127.0.0.1'
const START_TIMEOUT_MS = 10_000
const POLL_MS = 10
const ANSWER_TIMEOUT_MS = 1_000
const OUTPUT_CHARACTERS = 4_000

/**
 * Everything is written to the file before it is answered, and never later as with `everysec`, which puts a write off while the
 * disk is busy: what was acknowledged outlives SIGKILL for certain, so that no other epoch is excused after it.
 */
const KEEPING = ['--appendonly', 'yes', '--appendfsync', 'no', '--auto-aof-rewrite-percentage', '0', '--save', '', '--maxmemory-policy', 'noeviction']

/** Ends the server when this process was killed and could not. */
const LEASH = 'read -r _; kill -9 "$0" 2>/dev/null'

const servers = new Set()

process.on('exit', () => { for (const server of servers) server.close() })

/** One `redis-server` as a process of its own, which keeps its port and, unless told otherwise, its data over its restarts. */
export class RedisServer {
  port
  restarts = 0
  #directory = mkdtempSync(join(tmpdir(), 'faults-redis-'))
  #onFailure
  #settings
  #child
  #leash
  #exit
  #output = ''
  #expected = true
  #inTurn = createSeries()

  /**
   * @param onFailure is told when the server ends by itself
   * @param settings gives the first arguments, at each start
   */
  constructor (port, onFailure, settings = () => []) {
    this.port = port
    this.#onFailure = onFailure
    this.#settings = settings
    servers.add(this)
  }

  /** Starts the server; resolves when it has read its data and answers. */
  async start () {
    mkdirSync(this.#directory, { recursive: true })
    const child = this.#child = spawn('redis-server', [...this.#settings(), '--port', String(this.port), '--bind', LOOPBACK, '--dir', this.#directory, ...KEEPING], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#expected = false
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { this.#output = (this.#output + text).slice(-OUTPUT_CHARACTERS) })
    this.#exit = once(child, 'close').then(([code, signal]) => {
      if (!this.#expected) this.#onFailure(`redis-server ended by itself (${signal ?? `exit code ${code}`}): ${this.#output.trim()}`)
    }, (error) => { this.#onFailure(`redis-server: ${error.message}`) })
    this.#leash = spawn('sh', ['-c', LEASH, String(child.pid)], { stdio: ['pipe', 'ignore', 'ignore'] })
    const deadline = performance.now() + START_TIMEOUT_MS
    while (!await answers(this.port)) {
      if (performance.now() > deadline || child.exitCode !== null) throw new Error(`redis-server did not start: ${this.#output.trim()}`)
      await delay(POLL_MS)
    }
  }

  /** Kills the server, waits and starts it again, with its data or without. The steps on the server run one after another. */
  restart ({ keepsData, downMs, onDown }) {
    return this.#inTurn(async () => {
      this.restarts++
      await this.kill()
      onDown?.()
      if (!keepsData) rmSync(this.#directory, { recursive: true, force: true })
      await delay(downMs)
      await this.start()
    })
  }

  /**
   * Kills the server and starts it again without some of what it was told in the last `windowMs`, as a replica that takes over
   * before it had all. The file is cut at `part` of that time's bytes, where a command that is not complete is left out.
   */
  rewind ({ windowMs, part, downMs, onWindow, onDown }) {
    return this.#inTurn(async () => {
      this.restarts++
      onWindow()
      const before = statSync(this.#log).size
      await delay(windowMs)
      await this.kill()
      onDown()
      truncateSync(this.#log, before + Math.floor(part * (statSync(this.#log).size - before)))
      await delay(downMs)
      await this.start()
    })
  }

  /** Stops the process for a while, as on a machine that is overloaded: its connections stay open and nothing is answered. */
  pause (ms) {
    return this.#inTurn(async () => {
      this.#child.kill('SIGSTOP')
      await delay(ms)
      this.#child.kill('SIGCONT')
    })
  }

  /** Ends the process without notice. */
  async kill () {
    this.#expected = true
    // First, so that it cannot hit another process under the same number.
    this.#leash.kill('SIGKILL')
    this.#child.kill('SIGKILL')
    await this.#exit
  }

  /** Kills the process and removes its data. */
  close () {
    this.#expected = true
    this.#leash?.kill('SIGKILL')
    this.#child?.kill('SIGKILL')
    servers.delete(this)
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** The file that commands are appended to. */
  get #log () {
    const directory = join(this.#directory, 'appendonlydir')
    return join(directory, readdirSync(directory).find((name) => name.endsWith('.incr.aof')))
  }
}

/** Whether a server answers a PING with what it says once its data is loaded. */
async function answers (port) {
  const socket = connect({ port, host: LOOPBACK })
  try {
    const answer = once(socket, 'data', { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
    socket.end('PING\r\n')
    return String((await answer)[0]).startsWith('+PONG')
  } catch {
    return false
  } finally {
    socket.on('error', () => {}).destroy()
  }
}
