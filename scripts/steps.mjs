// The steps of `npm test`, `npm run check` and `npm run unit`, and how they are shown.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { require, root } from './root.mjs'

export function heading (text) {
  console.log(`\n── ${text} ${'─'.repeat(Math.max(0, 74 - text.length))}\n`)
}

/** The program of a package, to be run by Node. */
export function bin (packageName, name = packageName) {
  const manifest = require.resolve(`${packageName}/package.json`)
  const { bin } = require(manifest)
  return join(dirname(manifest), typeof bin === 'string' ? bin : bin[name])
}

/** Runs a program of Node's; its output is shown, or returned where it is to be quiet. */
export async function run (args, { quiet = false, env = {}, timeoutMs } = {}) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit', env: { ...process.env, ...env }, timeout: timeoutMs, killSignal: 'SIGKILL' })
  let stdout = ''
  let output = ''
  child.stdout?.on('data', (chunk) => { stdout += chunk; output += chunk })
  child.stderr?.on('data', (chunk) => { output += chunk })
  const [code, signal] = await once(child, 'close')
  return { code: code ?? 1, signal, stdout, output }
}

/** Runs a step; resolves with what it gives and the seconds that it took. */
export async function timed (step) {
  const start = performance.now()
  return { ...await step(), seconds: (performance.now() - start) / 1_000 }
}

async function lint () {
  return await run([bin('eslint'), '.', ...(process.stdout.isTTY ? ['--color'] : [])], { quiet: true })
}

async function types () {
  const outputs = []
  for (const project of ['tsconfig.json', 'src/client/tsconfig.json', 'packages/client/tsconfig.json', 'console/tsconfig.json', 'test/tsconfig.json']) {
    const { code, output } = await run([bin('typescript', 'tsc'), '-p', project, '--noEmit', ...(process.stdout.isTTY ? ['--pretty'] : [])], { quiet: true })
    if (code !== 0) outputs.push(output)
  }
  return { code: outputs.length, output: outputs.join('') }
}

/** Lints and checks the types, both at once; resolves with the names of what failed and the seconds that each took. */
export async function check () {
  const failures = []
  const seconds = {}
  const steps = { lint: timed(lint), types: timed(types) }
  for (const [name, step] of Object.entries(steps)) {
    heading(name === 'lint' ? 'Lint' : 'Type check')
    const result = await step
    console.log(result.output.trim() || 'clean')
    if (result.code !== 0) failures.push(name)
    seconds[name] = result.seconds
  }
  return { failures, seconds }
}

/** Shows what failed, how long each part took and one line that says how it went; sets the exit code. */
export function conclude ({ passed, failures, seconds }) {
  heading('Result')
  for (const failure of failures) console.log(`failed: ${failure}`)
  console.log(Object.entries(seconds).map(([name, value]) => `${name} ${value.toFixed(1)} s`).join(' · '))
  console.log(`${passed} passed, ${failures.length} failed`)
  process.exitCode = failures.length > 0 ? 1 : 0
}
