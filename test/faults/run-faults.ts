import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import { root } from '../../scripts/root.mjs'
import { userEnv } from '../user-env.js'

/** The part of the harness's JSON output that the tests check. */
export interface Result {
  ok: boolean
  seeds: {
    acknowledged: number
    deliveries: number
    lost: number
    duplicated: number
    violations: number
    dataLosses: number
    gaps: Record<string, number>
    instances: number
    reconnects: number
    restarts: number
    redisRestarts: number
    moves: number
    ready: number
    retries: number
    faults: Record<string, number>
    shared: number
    frames: { channels: number, tokens: number }
  }[]
}

const SMALL = ['--seeds', '1', '--subscribers', '4', '--publishers', '4', '--settle', '20', '--json']
/** Servers start and stop a few times; on a machine with other work that takes longer than tap allows. */
export const TIMEOUT_MS = 90_000

/** Runs the harness on few subscribers. */
export async function runFaults (t: Test, args: string[]): Promise<{ code: number | null, output: string }> {
  return await runProgram(t, ['faults/run.mjs', ...SMALL, ...args])
}

/** Runs a program as a user does. */
export async function runProgram (t: Test, args: string[]): Promise<{ code: number | null, output: string }> {
  const child = spawn(process.execPath, args, { cwd: root, env: userEnv, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => { child.kill() })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { output += text })
  const [code] = await once(child, 'close') as [number | null]
  return { code, output }
}

/** Parses the JSON on the last line of the output. */
export function resultOf (output: string): Result {
  return JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as Result
}
