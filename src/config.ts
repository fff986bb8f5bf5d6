import { readFileSync } from 'node:fs'
import { ConfigInvalidError } from './errors.js'
import { type MessengerOptions, type ResolvedOptions, resolveOptions } from './options.js'

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']
const DEFAULT_TOKEN = 'default-secret'
const SECOND_MS = 1_000

/** Numbers of the environment: the option that each one is, and how many of its units one of the variable's makes. */
const NUMBERS: Record<string, [option: keyof MessengerOptions, factor: number]> = {
  HISTORY_SIZE: ['historySize', 1],
  HISTORY_TTL: ['historyTtlMs', SECOND_MS],
  HISTORY_MAX_BYTES: ['historyMaxBytes', 1],
  MAX_MESSAGE_BYTES: ['maxMessageBytes', 1],
  MAX_BUFFERED_BYTES: ['maxBufferedBytes', 1],
  PING_INTERVAL: ['pingIntervalMs', SECOND_MS],
  DRAIN_SECONDS: ['drainMs', SECOND_MS]
}

/** What the process needs to know. */
export interface Config {
  /** Port to listen on; 0 takes a free one. */
  port: number
  /** Address to listen on. */
  host: string
  logLevel: string
  /** Said at the start, such as that the token is the one that everybody knows. */
  warnings: string[]
  /** What the plugin takes. */
  messenger: ResolvedOptions
}

/** Reads the environment. Throws MSG_ERR_CONFIG_INVALID with the variable's name, its rule and the value (not that of a secret). */
export function readConfig (env: NodeJS.ProcessEnv): Config {
  // An empty variable is how many tools pass one that is not set.
  const get = (name: string): string | undefined => env[name] === '' ? undefined : env[name]
  const portText = get('PORT') ?? '3000'
  const port = Number(portText)
  if (!/^[0-9]+$/.test(portText) || port > 65_535) throw new ConfigInvalidError(`PORT must be an integer from 0 to 65535, but is ${JSON.stringify(env['PORT'])}`)
  const logLevel = get('LOG_LEVEL') ?? 'info'
  if (!LOG_LEVELS.includes(logLevel)) throw new ConfigInvalidError(`LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}, but is ${JSON.stringify(logLevel)}`)

  const tokens = readTokens(get)
  const host = get('HOST') ?? (tokens === undefined ? '127.0.0.1' : '0.0.0.0')
  const warnings: string[] = []
  if (tokens === undefined) {
    if (!isLoopback(host)) throw new ConfigInvalidError(`BEARER_TOKEN must be set to listen on HOST ${JSON.stringify(host)}: without it the token is the one that everybody knows, and only a loopback address is allowed`)
    warnings.push(`BEARER_TOKEN is not set: the token is ${DEFAULT_TOKEN}, and only this machine can connect`)
  }

  const options: Record<string, unknown> = { token: tokens ?? [DEFAULT_TOKEN], page: true }
  const redis = get('REDIS_URL') ?? readSecretOf('REDIS_URL_FILE', get)
  if (redis !== undefined) options['redis'] = redis
  const redisKeyPrefix = get('REDIS_KEY_PREFIX')
  if (redisKeyPrefix !== undefined) options['redisKeyPrefix'] = redisKeyPrefix
  for (const [name, [option, factor]] of Object.entries(NUMBERS)) {
    const value = get(name)
    // 16.1 * 1000 is 16100.000000000002.
    if (value !== undefined) options[option] = /^[0-9]+(\.[0-9]+)?$/.test(value) ? Number((Number(value) * factor).toFixed(3)) : value
  }
  return { port, host, logLevel, warnings, messenger: resolveOptions(options, (option) => describe(option, env)) }
}

function readTokens (get: (name: string) => string | undefined): string[] | undefined {
  const text = get('BEARER_TOKEN') ?? readSecretOf('BEARER_TOKEN_FILE', get)
  return text?.split(',').map((token) => token.trim())
}

/** The content of the file that a variable names. */
function readSecretOf (name: string, get: (name: string) => string | undefined): string | undefined {
  const file = get(name)
  if (file === undefined) return undefined
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new ConfigInvalidError(`${name} must name a file that can be read, but ${JSON.stringify(file)} cannot (${String((error as NodeJS.ErrnoException).code)})`)
  }
}

/** The variables behind options that are texts. */
const TEXTS: Record<string, string> = { token: 'BEARER_TOKEN', redisKeyPrefix: 'REDIS_KEY_PREFIX' }

/** The variable behind an option. */
function describe (option: string, env: NodeJS.ProcessEnv): { name: string, value: unknown, factor: number } {
  const [name = String(TEXTS[option]), [, factor] = ['', 1]] = Object.entries(NUMBERS).find(([, [known]]) => known === option) ?? []
  return { name, value: env[name], factor }
}

function isLoopback (host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.[0-9]{1,3}){3}$/.test(host)
}
