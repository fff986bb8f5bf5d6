import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import WebSocket from 'ws'

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium'
/** A process for each tab, so that one that stands still leaves the others alone. */
const ARGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--remote-debugging-port=0', '--renderer-process-limit=100', '--process-per-tab', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-features=Translate,ProcessPerSiteUpToMainFrameThreshold'
]

/**
 * A Chromium whose tabs are in one window, of which one is visible; over the DevTools protocol itself, since Playwright makes every
 * page a visible one, which cannot be frozen.
 */
export class Browser extends EventEmitter {
  #child
  #socket
  #profile
  #answers = new Map()
  #id = 0

  async start () {
    this.setMaxListeners(0)
    this.#profile = await mkdtemp(join(tmpdir(), 'chromium-'))
    this.#child = spawn(EXECUTABLE, [...ARGS, `--user-data-dir=${this.#profile}`, 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'] })
    const url = await new Promise((resolve, reject) => {
      let text = ''
      this.#child.stderr.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
        const [, found] = /DevTools listening on (ws:\S+)/.exec(text) ?? []
        if (found) resolve(found)
      })
      this.#child.once('error', reject).once('exit', () => { reject(new Error(`the browser ended: ${text}`)) })
    })
    this.#socket = new WebSocket(url)
    await once(this.#socket, 'open')
    this.#socket.on('message', (data) => {
      const { id, result, error, method, params, sessionId } = JSON.parse(data)
      if (method) { this.emit(`${method} ${sessionId ?? ''}`, params); return }
      const answer = this.#answers.get(id)
      this.#answers.delete(id)
      if (error) answer?.reject(new Error(`${answer.method}: ${error.message}`))
      else answer?.resolve(result)
    })
  }

  /** Resolves with the answer to a command, of the browser or of a tab's session. */
  send (method, params = {}, sessionId) {
    const id = ++this.#id
    this.#socket.send(JSON.stringify({ id, method, params, sessionId }))
    return new Promise((resolve, reject) => { this.#answers.set(id, { method, resolve, reject }) })
  }

  /** Resolves with the next event of a session. */
  async next (method, sessionId) {
    const [params] = await once(this, `${method} ${sessionId}`)
    return params
  }

  async stop () {
    if (this.#child?.exitCode === null) {
      this.#child.kill('SIGKILL')
      await once(this.#child, 'exit')
    }
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 })
  }
}
