import { parseArgs, type ParseArgsConfig } from 'node:util'
import { isChannelName } from '../channels/name.js'

type Options = NonNullable<ParseArgsConfig['options']>
interface Config<T extends Options> {
  args: string[]
  options: T
  allowPositionals: true
  strict: true
}

/** A stream of a command: one of the process, or one of a test. */
export interface Output {
  write (text: string, callback?: () => void): boolean
  once (event: 'drain', listener: () => void): unknown
  readonly isTTY?: boolean | undefined
}

/** The surroundings of a command. */
export interface Context {
  readonly env: NodeJS.ProcessEnv
  readonly stdin: AsyncIterable<Buffer | string> & { readonly isTTY?: boolean | undefined }
  readonly stdout: Output
  readonly stderr: Output
  /** Aborted by the signals that end a process, with the name of the signal as reason, and with `EPIPE` when the output is not read. */
  readonly signal: AbortSignal
}

/** A command of the program. */
export interface Command {
  readonly help: string
  /** Resolves with the exit code. */
  readonly run: (args: readonly string[], context: Context) => Promise<number>
}

/** The exit codes of all commands. A command that a signal ends before its work is done has 128 and the number of the signal. */
export const Exit = {
  DONE: 0,
  /** Refused, not reached, or something is wrong. */
  FAILED: 1,
  /** The command line is invalid; nothing was done. */
  USAGE: 2
} as const

const SIGNAL_NUMBERS: Record<string, number> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }

/** An error of the command line. */
export class UsageError extends Error {}

/** An error of which the message is shown, without a stack. */
export class CommandError extends Error {}

/** The exit code of a command that was aborted; 0 where nothing reads its output any more. */
export function exitCodeOf (signal: AbortSignal): number {
  const number = SIGNAL_NUMBERS[String(signal.reason)]
  return number === undefined ? Exit.DONE : 128 + number
}

/** Parses the arguments of a command. Throws {@link UsageError}. */
export function parse<T extends Options> (args: readonly string[], options: T): ReturnType<typeof parseArgs<Config<T>>> {
  try {
    return parseArgs<Config<T>>({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError((error as Error).message.replace(/\s*\n\s*/g, ' '))
  }
}

/** Throws {@link UsageError} where a name is not that of a channel. */
export function assertChannelName (name: string): void {
  if (!isChannelName(name)) throw new UsageError(`${JSON.stringify(name)} is not the name of a channel: use 1 to 100 of A-Z a-z 0-9 _ . : @ = + ~ -`)
}

/** An option that is a whole number. Throws {@link UsageError}. */
export function integerOf (name: string, text: string | undefined, minimum: number, maximum: number): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text) && Number(text) >= minimum && Number(text) <= maximum) return Number(text)
  throw new UsageError(`--${name} must be an integer from ${minimum} to ${maximum}, but is ${JSON.stringify(text)}`)
}
