import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { VARIABLES } from './config.js'
import { packageDirectory } from './public-files.js'

const HELP = ['-h', '--help']
const VERSION = ['-v', '--version']

/** The text that the arguments request instead of a start. */
export function answerTo (args: readonly string[]): string | undefined {
  if (args.some((argument) => HELP.includes(argument))) return help()
  if (args.some((argument) => VERSION.includes(argument))) return version()
  return undefined
}

function help (): string {
  return `fastify-messenger ${version()}: one HTTP POST in, a message to every subscribed browser.

Usage: [VARIABLE=value …] fastify-messenger [--help | --version]

It is configured by its environment, described in docs/configuration.md of the repository:
  ${[...VARIABLES].sort().join('\n  ')}`
}

function version (): string {
  return (JSON.parse(readFileSync(join(packageDirectory, 'package.json'), 'utf8')) as { version: string }).version
}
