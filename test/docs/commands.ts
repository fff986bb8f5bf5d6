import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { origin } from '../helper.js'
import type { Block } from './document.js'

const run = promisify(execFile)
/** Where the service of a reader listens, and the epoch that the examples show. */
const SHOWN_ORIGIN = 'http://127.0.0.1:3000'
export const SHOWN_EPOCH = 'k3f9a2'
/** The time of every message that the examples show. */
const SHOWN_TIME = '"time":1767225600000'
const EPOCH = /"([\w-]{4,}):\d+"/

/** Code of a page, with the address of the test's service instead of the reader's. */
export function addressed (app: FastifyInstance, code: string): string {
  return code.replaceAll(SHOWN_ORIGIN, origin(app))
}

/** Runs a command that asks the service, and checks that it prints what is shown behind it. Resolves with what it printed. */
export async function runCurl (t: Test, app: FastifyInstance, { code, output }: Block): Promise<string> {
  const script = addressed(app, code).replaceAll('curl ', 'curl -sS ')
  const printed = code.includes('curl -N') ? await firstLines(t, script, output?.code) : (await run('sh', ['-c', script])).stdout
  const [, epoch = SHOWN_EPOCH] = EPOCH.exec(printed) ?? []
  const normal = printed.replaceAll(epoch, SHOWN_EPOCH).replaceAll(/"time":\d{13}/g, SHOWN_TIME)
  if (output?.language === 'json') assertLike(t, JSON.parse(normal), JSON.parse(output.code), code)
  else if (output !== undefined) t.equal(normal.slice(0, output.code.length), output.code, code)
  else if (!code.includes('curl -N')) t.notMatch(JSON.parse(normal), { code: /MSG_ERR/ }, code)
  return printed
}

/** The environment that a command starts the service with; only the variables that it names. */
export async function environmentOf (code: string): Promise<NodeJS.ProcessEnv> {
  const names = variablesOf(code)
  const { stdout } = await run('sh', ['-c', code.replace('npm ci', 'true').replace('npm start', 'env')])
  return Object.fromEntries(stdout.split('\n').map((line) => line.split(/=(.*)/)).filter(([name = '']) => names.includes(name))) as NodeJS.ProcessEnv
}

/** The variables that a command sets. */
export function variablesOf (code: string): string[] {
  return [...code.matchAll(/\b([A-Z][A-Z_]+)=/g)].map(([, name = '']) => name)
}

/** The first lines of a stream, as many as are expected; the stream does not end by itself. */
async function firstLines (t: Test, script: string, expected = '\n'): Promise<string> {
  const child = spawn('sh', ['-c', `exec ${script}`])
  t.teardown(() => child.kill())
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => { printed += String(chunk) })
  while (printed.split('\n').length < expected.split('\n').length) await once(child.stdout, 'data')
  child.kill()
  return printed
}

/** Compares values; what is shown with an ellipsis, and a time, is another one each time. */
export function assertLike (t: Test, actual: unknown, shown: unknown, what: string): void {
  if (typeof shown === 'object' && shown !== null) {
    t.strictSame(Object.keys(actual as object), Object.keys(shown), what)
    for (const [key, value] of Object.entries(shown)) {
      const own = (actual as Record<string, unknown>)[key]
      if (key === 'exp') t.type(own, 'number', what)
      else assertLike(t, own, value, what)
    }
  } else if (typeof shown === 'string' && shown.includes('…')) {
    t.type(actual, 'string', what)
  } else {
    t.equal(actual, shown, what)
  }
}
