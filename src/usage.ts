import { COMMAND_LIST } from './cli/commands.js'
import { VARIABLES } from './config.js'
import { packageVersion } from './public-files.js'

const HELP = ['-h', '--help']
const VERSION = ['-v', '--version']

/** The text that the arguments request instead of a start. */
export function answerTo (args: readonly string[]): string | undefined {
  if (args.some((argument) => HELP.includes(argument))) return help()
  if (args.some((argument) => VERSION.includes(argument))) return packageVersion()
  return undefined
}

function help (): string {
  return `fastify-messenger ${packageVersion()}: one HTTP POST in, a message to every subscribed browser.

Usage: [VARIABLE=value …] fastify-messenger [command] [--help | --version]

${COMMAND_LIST}

fastify-messenger <command> --help describes a command.

The service is configured by its environment, described in docs/configuration.md of the repository:
  ${[...VARIABLES].sort().join('\n  ')}`
}
