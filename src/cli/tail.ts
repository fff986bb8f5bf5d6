import { parseId } from '../wire/id.js'
import { paintFor } from './colours.js'
import { assertChannelName, type Command, CommandError, type Context, Exit, parse, UsageError } from './command.js'
import { SERVICE_HELP, serviceOf } from './service.js'
import { Follower } from './tail/follower.js'
import { Positions } from './tail/positions.js'

const help = `Usage: fastify-messenger tail <channel…> [options]

Subscribes to channels and prints each message as a line of JSON, as it arrived: {"channel","message","id"}.
States and gaps are lines on standard error. After a cut it reconnects, and continues after the last message of each channel.

  --since <id>        begins after that message; "earliest": with all that is kept; default "now".
                      For several channels a list in their order, k3f9a2:42,,earliest, or one "now" or "earliest" for all
  --quiet, -q         prints no states, only gaps and errors
${SERVICE_HELP}

Exit codes: 0 ended by SIGINT, SIGTERM or the reader of its output, or every channel has ended; 1 refused; 2 invalid arguments.`

const OPTIONS = {
  server: { type: 'string' },
  since: { type: 'string' },
  quiet: { type: 'boolean', short: 'q' }
} as const

export const tail: Command = { help, run }

async function run (args: readonly string[], context: Context): Promise<number> {
  const { values: { server, since, quiet = false }, positionals } = parse(args, OPTIONS)
  const channels = positionals.flatMap((text) => text.split(','))
  if (channels.length === 0) throw new UsageError('name a channel: tail <channel…>')
  for (const channel of channels) assertChannelName(channel)
  if (new Set(channels).size < channels.length) throw new UsageError('a channel is named twice')
  const { base, token } = serviceOf(server, context.env)
  const positions = new Positions(startsOf(channels, since))
  const { stderr, env, signal } = context
  const paint = paintFor(stderr, env)
  const follower = new Follower({
    base,
    token,
    positions,
    signal,
    stdout: context.stdout,
    say (level, text) {
      if (level === 'state' && quiet) return
      stderr.write(`${paint(level === 'state' ? 'dim' : level === 'gap' ? 'yellow' : 'red', text)}\n`)
    }
  })
  const refused = await follower.run()
  if (signal.aborted) return Exit.DONE
  if (refused !== undefined) throw new CommandError(refused)
  return Exit.DONE
}

/** The start of each channel. Throws {@link UsageError}. */
function startsOf (channels: readonly string[], since = ''): Map<string, string> {
  const texts = channels.length > 1 && since.includes(',') ? since.split(',') : [since]
  const forAll = texts.length === 1 && ['', 'now', 'earliest'].includes(since)
  const invalid = texts.find((text) => !['', 'now', 'earliest'].includes(text) && parseId(text) === undefined)
  if (invalid !== undefined) throw new UsageError(`--since ${JSON.stringify(invalid)} is not an id, "earliest" or "now"`)
  if (!forAll && texts.length !== channels.length)
    throw new UsageError(`--since must have one value for each of the ${channels.length} channels, in their order, or be "now" or "earliest"`)
  return new Map(channels.map((channel, index) => [channel, forAll ? since : texts[index] as string]))
}
