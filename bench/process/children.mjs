// Child processes of a benchmark run: pinned to a core where `taskset` exists, and gone when the run ends, however it ends.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'

const ERROR_TAIL = 4_000

/** Whether server and load each get a core of their own. */
export const pinned = cpus().length > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0

const running = new Set()
const directories = new Set()

/**
 * Starts a program as the leader of a process group, so that its own children end with it (nginx forks a worker).
 * `core` pins it; `ipc` opens a message channel to a Node program. Its standard error is kept for the error text.
 */
export function start (command, args, { core, env = {}, ipc = false } = {}) {
  const [program, ...rest] = core !== undefined && pinned ? ['taskset', '-c', String(core), command, ...args] : [command, ...args]
  const child = spawn(program, rest, {
    detached: true,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe', ...(ipc ? ['ipc'] : [])]
  })
  running.add(child)
  child.errorText = ''
  child.stderr.setEncoding('utf8').on('data', (text) => { child.errorText = (child.errorText + text).slice(-ERROR_TAIL) })
  child.gone = new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('exit', (code, signal) => resolve(`exit ${code ?? signal}`))
  }).then((how) => {
    running.delete(child)
    return how
  })
  return child
}

/** Ends a child: politely first, since an orderly end is cheap, then for good. */
export async function stop (child, graceMs = 2_000) {
  if (!running.has(child)) return
  child.kill('SIGTERM')
  const timer = setTimeout(() => killGroup(child), graceMs)
  await child.gone
  clearTimeout(timer)
  killGroup(child)
}

/** An empty directory that is removed when the run ends. */
export function scratchDirectory () {
  const directory = mkdtempSync(join(tmpdir(), 'messenger-bench-'))
  directories.add(directory)
  return directory
}

function killGroup (child) {
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // The group is empty already.
  }
}

process.on('exit', () => {
  running.forEach(killGroup)
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})
for (const [signal, number] of [['SIGHUP', 1], ['SIGINT', 2], ['SIGTERM', 15]]) {
  process.on(signal, () => process.exit(128 + number))
}
