// The service under attack, in a process of its own with a small heap and the limits that it has by default.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../scripts/free-port.mjs'
import { TOKEN, TOKEN_SECRET } from './tokens.mjs'

const MAIN = fileURLToPath(new URL('../../dist/src/server.js', import.meta.url))
const MEBIBYTE = 1024 ** 2

/** Starts the service; it is ready when this resolves. */
export async function startService (heapMb, env = {}) {
  const port = await freePort()
  const child = spawn(process.execPath, [`--max-old-space-size=${heapMb}`, MAIN], {
    env: { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: String(port), LOG_LEVEL: 'warn', BEARER_TOKEN: TOKEN, TOKEN_SECRET, PUBLIC_CHANNELS: '*', ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const service = { port, exit: undefined, log: '' }
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { service.log = (service.log + data).slice(-20_000) })
  const ended = once(child, 'exit').then(([code, signal]) => { service.exit = `code ${code}, signal ${signal}` })

  service.stop = async () => {
    child.kill('SIGKILL')
    await ended
  }
  service.rssMb = () => {
    try {
      return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) * 1024 / MEBIBYTE
    } catch {
      return NaN
    }
  }
  service.descriptors = () => {
    try {
      return readdirSync(`/proc/${child.pid}/fd`).length
    } catch {
      return NaN
    }
  }
  service.limits = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/-/limits`, { headers: { authorization: `Bearer ${TOKEN}` }, signal: AbortSignal.timeout(5_000) })
    return await response.json()
  }

  for (;;) {
    if (service.exit !== undefined) throw new Error(`the service did not start: ${service.log}`)
    const up = await fetch(`http://127.0.0.1:${port}/-/live`, { headers: { connection: 'close' } }).then(({ ok }) => ok, () => false)
    if (up) return service
    await new Promise((resolve) => { setTimeout(resolve, 50) })
  }
}
