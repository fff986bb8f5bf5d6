import { withoutCredentials } from '../wire/text.js'
import { paintFor } from './colours.js'
import { type Command, CommandError, type Context, Exit, exitCodeOf, UsageError } from './command.js'

/** The commands beside `serve`, each loaded when it is called. */
const COMMANDS = {
  send: { summary: 'publishes messages', load: async () => (await import('./send.js')).send },
  tail: { summary: 'prints the messages of channels, one line each', load: async () => (await import('./tail.js')).tail },
  token: { summary: 'signs a token for a subscriber or a publisher', load: async () => (await import('./token.js')).token },
  check: { summary: 'checks the configuration, Redis and the limits of the system', load: async () => (await import('./check.js')).check }
} satisfies Record<string, { summary: string, load: () => Promise<Command> }>

/** The name of a command. */
export type CommandName = keyof typeof COMMANDS

/** The commands as the help lists them. */
export const COMMAND_LIST = Object.entries({ serve: { summary: 'runs the service (default)' }, ...COMMANDS })
  .map(([name, { summary }]) => `  ${name.padEnd(7)} ${summary}`).join('\n')

/** Whether an argument is the name of a command beside `serve`. */
export function isCommand (name: string | undefined): name is CommandName {
  return name !== undefined && Object.hasOwn(COMMANDS, name)
}

/** The error for a first argument that is neither a command nor an option. */
export function unknownCommand (name: string): string {
  return `fastify-messenger: ${JSON.stringify(name)} is not a command: use ${['serve', ...Object.keys(COMMANDS)].join(', ')}, or --help`
}

/** Runs a command. Resolves with the exit code; errors are written as one line. */
export async function runCommand (name: CommandName, args: readonly string[], context: Context): Promise<number> {
  const { stdout, stderr, env, signal } = context
  const say = (text: string): void => { stderr.write(`${paintFor(stderr, env)('red', `fastify-messenger ${name}:`)} ${text}\n`) }
  try {
    const { help, run } = await COMMANDS[name].load()
    if (asksForHelp(args)) {
      stdout.write(`${help}\n`)
      return Exit.DONE
    }
    return await run(args, context)
  } catch (error) {
    if (signal.aborted) return exitCodeOf(signal)
    if (error instanceof UsageError) {
      say(`${error.message} (see fastify-messenger ${name} --help)`)
      return Exit.USAGE
    }
    say(withoutCredentials(isForeseen(error) ? error.message : error instanceof Error ? String(error.stack) : String(error)))
    return Exit.FAILED
  }
}

function asksForHelp (args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return args.slice(0, end < 0 ? args.length : end).some((argument) => argument === '--help' || argument === '-h')
}

function isForeseen (error: unknown): error is Error {
  return error instanceof CommandError || (error instanceof Error && 'code' in error && String(error.code).startsWith('MSG_ERR_'))
}
