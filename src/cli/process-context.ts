import type { Context } from './command.js'
import { PipeReaders } from './pipe-readers.js'

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
const STDOUT = 1
const READER_CHECK_MS = 200

/** The process as the surroundings of a command. A second signal ends the process at once. */
export function processContext (env: NodeJS.ProcessEnv): Context {
  const abort = new AbortController()
  const end = (reason: string): void => {
    abort.abort(reason)
    // Would keep the process alive.
    process.stdin.destroy()
  }
  for (const signal of SIGNALS) process.once(signal, () => { end(signal) })
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    end('EPIPE')
  })
  // There is no other place to say that nothing reads the errors.
  process.stderr.on('error', () => {})
  const readers = new PipeReaders(STDOUT)
  if (readers.known) {
    const timer = setInterval(() => {
      if (readers.open) return
      clearInterval(timer)
      end('EPIPE')
    }, READER_CHECK_MS).unref()
  }
  return { env, stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, signal: abort.signal }
}
