import cluster from 'node:cluster'
import { isCommand, runCommand, unknownCommand } from './commands.js'
import { Exit } from './command.js'
import { processContext } from './process-context.js'

/** Runs the program: a command, or `serve` with its arguments. */
export async function runProgram (
  args: readonly string[], env: NodeJS.ProcessEnv, serve: (args: readonly string[]) => Promise<void>
): Promise<void> {
  const [name, ...rest] = args
  // A worker of a cluster is given the arguments of its primary.
  if (name === undefined || name.startsWith('-') || !cluster.isPrimary) {
    await serve(args)
  } else if (name === 'serve') {
    await serve(rest)
  } else if (isCommand(name)) {
    process.exitCode = await runCommand(name, rest, processContext(env))
  } else {
    process.stderr.write(`${unknownCommand(name)}\n`)
    process.exitCode = Exit.USAGE
  }
}
