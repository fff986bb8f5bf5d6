import { DEFAULT_TOKEN } from '../access/bearer-tokens.js'
import { type Config, readConfig } from '../config.js'
import { withoutCredentials } from '../wire/text.js'
import { type Command, type Context, Exit, parse, UsageError } from './command.js'
import { paintFor } from './colours.js'
import type { Finding } from './check/finding.js'
import { openFiles } from './check/open-files.js'
import { redis } from './check/redis.js'
import { secrets } from './check/secrets.js'

const COLOURS = { ok: 'green', warn: 'yellow', fail: 'red' } as const
const ABSENT = 'REDIS_URL is not set: everything is in memory, and a restart is a gap for subscribers'

const help = `Usage: [VARIABLE=value …] fastify-messenger check [--strict]

Checks the environment as the service would read it, without starting it: the configuration, tokens that can be guessed,
the limit of open files against MAX_CONNECTIONS, and Redis: whether it can be reached, its version, each right that is
needed, and settings that cost messages. It writes and deletes one key under REDIS_KEY_PREFIX, and prints no secret.

  --strict  warnings count as failures

Exit codes: 0 nothing fails; 1 something fails; 2 invalid arguments.`

export const check: Command = { help, run }

async function run (args: readonly string[], context: Context): Promise<number> {
  const { values: { strict }, positionals } = parse(args, { strict: { type: 'boolean' } })
  if (positionals.length > 0) throw new UsageError('check takes no arguments: it reads the environment')
  const { stdout, env, signal } = context
  const paint = paintFor(stdout, env)
  let [failures, warnings] = [0, 0]
  const tell = ({ level, subject, text }: Finding): void => {
    if (level === 'fail') failures++
    if (level === 'warn') warnings++
    stdout.write(`${paint(COLOURS[level], level.padEnd(4))}  ${subject}: ${withoutCredentials(text)}\n`)
  }

  const config = configuration(env, tell)
  if (config !== undefined) {
    for (const finding of [...secrets(config), openFiles(config)]) tell(finding)
    const { redis: url, redisKeyPrefix } = config.messenger
    if (url === undefined) tell({ level: 'ok', subject: 'redis', text: ABSENT })
    else for (const finding of await redisFindings(url as string, redisKeyPrefix, signal)) tell(finding)
  }
  return failures > 0 || (strict === true && warnings > 0) ? Exit.FAILED : Exit.DONE
}

/** The configuration, or `undefined` when it is invalid. */
function configuration (env: NodeJS.ProcessEnv, tell: (finding: Finding) => void): Config | undefined {
  const subject = 'configuration'
  try {
    const config = readConfig(env)
    // The one about the token is a finding of its own.
    for (const text of config.warnings) if (!text.includes(DEFAULT_TOKEN)) tell({ level: 'warn', subject, text })
    const { path, host, port, messenger: { maxConnections } } = config
    tell({ level: 'ok', subject, text: `valid; listens on ${path ?? `${host}:${port}`}, at most ${maxConnections} connections` })
    return config
  } catch (error) {
    tell({ level: 'fail', subject, text: invalidText(error) })
    return undefined
  }
}

async function redisFindings (url: string, keyPrefix: string, signal: AbortSignal): Promise<Finding[]> {
  try {
    return await redis(url, keyPrefix, signal)
  } catch (error) {
    return [{ level: 'fail', subject: 'redis', text: invalidText(error) }]
  }
}

/** The text of the error for an invalid value; others are thrown again. */
function invalidText (error: unknown): string {
  if ((error as { code?: unknown }).code !== 'MSG_ERR_CONFIG_INVALID') throw error
  return (error as Error).message
}
