// Programs that others run beside: started, waited for, and ended by their id.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { freePort } from '../scripts/free-port.mjs'

export const SERVER = fileURLToPath(new URL('../dist/src/server.js', import.meta.url))
export const TOKEN = 'interop'

/** Starts a program; `output()` is what it has written. */
export function start (command, args, { env = {}, cwd } = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { output += chunk })
  const exited = new Promise((resolve) => { child.once('close', resolve).once('error', (error) => { output += error.message; resolve(-1) }) })
  return { child, output: () => output, exited, async end (signal = 'SIGTERM') { child.kill(signal); return await exited } }
}

/** Waits for something to become true; rejects after `seconds`. */
export async function eventually (check, what, seconds = 60) {
  for (const end = performance.now() + 1_000 * seconds; performance.now() < end;) {
    if (await check()) return
    await new Promise((resolve) => { setTimeout(resolve, 50) })
  }
  throw new Error(`not within ${seconds} s: ${what}`)
}

/** Starts the service on a free port, with another Node or the one that runs this. */
export async function startService (env = {}, node = process.execPath) {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const service = start(node, [SERVER], { env: { PORT: String(port), HOST: '127.0.0.1', BEARER_TOKEN: TOKEN, DRAIN_SECONDS: '1', LOG_LEVEL: 'warn', ...env } })
  await eventually(async () => await fetch(`${origin}/-/ready`).then(({ ok }) => ok, () => false), `the service at ${origin}: ${service.output()}`)
  return { ...service, port, origin }
}

/** Publishes a message; resolves with its id. */
export async function publish (origin, channel, message) {
  const response = await fetch(`${origin}/send/${channel}`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }, body: JSON.stringify({ message }) })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  return (await response.json()).id
}

/** Whether a command can be run. */
export async function exists (command, args = ['--version']) {
  return await start(command, args).exited === 0
}

/** Runs cases one after the other, each of which returns why it was skipped or nothing, and says what came of them. */
export async function report (cases) {
  let failed = 0
  for (const [name, run] of cases) {
    try {
      const skipped = await run()
      console.log(`${skipped === undefined ? 'passed ' : 'skipped'}  ${name}${skipped === undefined ? '' : `: ${skipped}`}`)
    } catch (error) {
      failed++
      console.log(`failed   ${name}: ${error.message}`)
    }
  }
  process.exitCode = failed > 0 ? 1 : 0
}
