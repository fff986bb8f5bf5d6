import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { isAbsolute } from 'node:path'
import { hostsOf, LOOPBACK_HOSTS } from './access/hosts.js'
import { ConfigInvalidError } from './errors.js'
import { misspelled } from './misspelled.js'
import { type MessengerOptions, type OptionSource, type ResolvedOptions, resolveOptions } from './options.js'

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']
const DEFAULT_TOKEN = 'default-secret'
const SECOND_MS = 1_000
const INTEGER = /^[0-9]+$/
const NUMBER = /^[0-9]+(\.[0-9]+)?$/
/** A path, absolute or not; on Windows that of a named pipe. */
const SOCKET_PATH = /[/\\]/

/** Numbers of the environment: the option that each one is, and how many of its units one of the variable's makes. */
const NUMBERS: Record<string, [option: keyof MessengerOptions, factor: number]> = {
  HISTORY_SIZE: ['historySize', 1],
  HISTORY_TTL: ['historyTtlMs', SECOND_MS],
  HISTORY_MAX_BYTES: ['historyMaxBytes', 1],
  MAX_MESSAGE_BYTES: ['maxMessageBytes', 1],
  MAX_BUFFERED_BYTES: ['maxBufferedBytes', 1],
  MAX_BYTES_IN_FLIGHT: ['maxBytesInFlight', 1],
  WRITE_TIMEOUT: ['writeTimeoutMs', SECOND_MS],
  MAX_RECEIVED_BYTES: ['maxReceivedBytes', 1],
  MAX_CONNECTIONS: ['maxConnections', 1],
  MAX_CONNECTIONS_PER_ADDRESS: ['maxConnectionsPerAddress', 1],
  MAX_CHANNELS: ['maxChannels', 1],
  MAX_SUBSCRIBES_PER_SECOND: ['maxSubscribesPerSecond', 1],
  MAX_PUBLISHES_PER_SECOND: ['maxPublishesPerSecond', 1],
  MAX_REFUSED_TOKENS_PER_MINUTE: ['maxRefusedTokensPerMinute', 1],
  MAX_URL_BYTES: ['maxUrlBytes', 1],
  UPGRADE_TIMEOUT: ['upgradeTimeoutMs', SECOND_MS],
  PING_INTERVAL: ['pingIntervalMs', SECOND_MS],
  DRAIN_SECONDS: ['drainMs', SECOND_MS],
  TOKEN_MAX_TTL: ['tokenMaxTtlMs', SECOND_MS]
}

/** Texts of the environment that options take as they are, and lists of texts with commas between them. */
const TEXTS: Record<string, keyof MessengerOptions> = {
  REDIS_URL: 'redis',
  REDIS_KEY_PREFIX: 'redisKeyPrefix',
  TOKEN_PUBLIC_KEY: 'tokenPublicKey',
  TOKEN_JWKS_URL: 'tokenJwksUrl'
}
const LISTS: Record<string, keyof MessengerOptions> = {
  BEARER_TOKEN: 'token',
  TOKEN_SECRET: 'tokenSecret',
  TOKEN_ISSUER: 'tokenIssuer',
  TOKEN_AUDIENCE: 'tokenAudience',
  PUBLIC_CHANNELS: 'publicChannels',
  ALLOWED_ORIGINS: 'allowedOrigins',
  ALLOWED_HOSTS: 'allowedHosts'
}
/** Variables that may be given as `<NAME>_FILE`, too: the name of a file that holds the value. */
const SECRETS = ['BEARER_TOKEN', 'REDIS_URL', 'TOKEN_SECRET', 'TOKEN_PUBLIC_KEY']

/** Variables that no option stands behind. */
const OTHERS = ['PORT', 'HOST', 'LOG_LEVEL', 'TRUST_PROXY', 'MAX_HEADER_BYTES', 'MAX_SOCKETS_PER_ADDRESS', 'REQUEST_TIMEOUT']

/** Every variable that is read. */
export const VARIABLES: readonly string[] = [...OTHERS, ...Object.keys({ ...LISTS, ...TEXTS, ...NUMBERS }), ...SECRETS.map((name) => `${name}_FILE`)]

/** What the process needs to know. */
export interface Config {
  /** Port to listen on; 0 takes a free one. */
  port: number
  /** Unix socket to listen on instead. */
  path: string | undefined
  /** Address to listen on. */
  host: string
  logLevel: string
  /** Whose word is taken for the address of a client, as Fastify's `trustProxy` takes it. */
  trustProxy: boolean | string[]
  /** Longest header section of a request, in bytes. */
  maxHeaderBytes: number
  /** Connections from one address, those without a subscription included. */
  maxSocketsPerAddress: number
  /** Milliseconds that a whole request may take to arrive. */
  requestTimeoutMs: number
  /** Said at the start, such as that the token is the one that everybody knows. */
  warnings: string[]
  /** What the plugin takes. */
  messenger: ResolvedOptions
}

type Get = (name: string) => string | undefined

/** Reads the environment. Throws MSG_ERR_CONFIG_INVALID with the variable's name, its rule and the value (not that of a secret). */
export function readConfig (env: NodeJS.ProcessEnv): Config {
  const get: Get = (name) => {
    // An empty variable is how many tools pass one that is not set.
    const text = env[name] === '' ? undefined : env[name]
    return text ?? (SECRETS.includes(name) ? readFileOf(`${name}_FILE`, env) : undefined)
  }
  const logLevel = get('LOG_LEVEL') ?? 'info'
  if (!LOG_LEVELS.includes(logLevel)) throw new ConfigInvalidError(`LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}, but is ${JSON.stringify(logLevel)}`)

  const tokens = get('BEARER_TOKEN')
  const host = get('HOST') ?? (tokens === undefined ? '127.0.0.1' : '0.0.0.0')
  const port = get('PORT')
  const path = port !== undefined && SOCKET_PATH.test(port) ? port : undefined
  const warnings = misspelled(Object.keys(env), VARIABLES)
  if (tokens === undefined) {
    if (path === undefined && !isLoopback(host)) throw new ConfigInvalidError(`BEARER_TOKEN must be set to listen on HOST ${JSON.stringify(host)}: without it the token is the one that everybody knows, and only a loopback address is allowed`)
    warnings.push(`BEARER_TOKEN is not set: the token is ${DEFAULT_TOKEN}, and only this machine can connect`)
  }

  const messenger = resolveOptions({ token: [DEFAULT_TOKEN], page: true, ...readOptions(get) }, (option) => describe(option, env))
  // A page elsewhere whose name is made to point at this machine speaks to the service as if it were its own (DNS rebinding). With
  // the token that everybody knows it could publish. With one of its own, a service on this machine may well be behind a proxy that
  // passes on another name, which only the operator knows.
  if (tokens === undefined && messenger.allowedHosts === undefined) {
    messenger.allowedHosts = [...LOOPBACK_HOSTS, ...hostsOf(messenger.allowedOrigins ?? [])]
  }

  return {
    port: path === undefined ? integer('PORT', get, 0, 65_535, 3_000) : 0,
    path,
    host,
    logLevel,
    trustProxy: trustProxy(get('TRUST_PROXY')),
    maxHeaderBytes: integer('MAX_HEADER_BYTES', get, 1_024, 1024 ** 2, 16_384),
    requestTimeoutMs: integer('REQUEST_TIMEOUT', get, 1, 3_600, 30) * SECOND_MS,
    // Twice: beside those of its subscriptions an address has connections that publish, and some that only just come.
    maxSocketsPerAddress: integer('MAX_SOCKETS_PER_ADDRESS', get, 1, 100_000_000, 2 * messenger.maxConnectionsPerAddress),
    warnings,
    messenger
  }
}

/** What the plugin takes, as it stands in the environment. */
function readOptions (get: Get): Record<string, unknown> {
  const options: Record<string, unknown> = {}
  for (const [name, option] of Object.entries(TEXTS)) {
    const text = get(name)
    if (text !== undefined) options[option] = text
  }
  for (const [name, option] of Object.entries(LISTS)) {
    const text = get(name)
    if (text !== undefined) options[option] = text.split(',').map((item) => item.trim())
  }
  for (const [name, [option, factor]] of Object.entries(NUMBERS)) {
    const text = get(name)
    // 16.1 * 1000 is 16100.000000000002.
    if (text !== undefined) options[option] = NUMBER.test(text) ? Number((Number(text) * factor).toFixed(3)) : text
  }
  return options
}

/** The content of the file that a variable names. */
function readFileOf (name: string, env: NodeJS.ProcessEnv): string | undefined {
  const file = env[name]
  if (file === undefined || file === '') return undefined
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    // What is no path may be the secret itself.
    const shown = isAbsolute(file) ? JSON.stringify(file) : 'what it names'
    throw new ConfigInvalidError(`${name} must name a file that can be read, but ${shown} cannot (${String((error as NodeJS.ErrnoException).code)})`)
  }
}

function integer (name: string, get: Get, minimum: number, maximum: number, byDefault: number): number {
  const text = get(name) ?? String(byDefault)
  if (!INTEGER.test(text) || Number(text) < minimum || Number(text) > maximum) throw new ConfigInvalidError(`${name} must be an integer from ${minimum} to ${maximum}, but is ${JSON.stringify(text)}`)
  return Number(text)
}

function trustProxy (text: string | undefined): Config['trustProxy'] {
  if (text === undefined || text === 'false') return false
  if (text === 'true') return true
  const addresses = text.split(',').map((item) => item.trim())
  if (!addresses.every(isProxy)) throw new ConfigInvalidError(`TRUST_PROXY must be true, false or a list of addresses, networks (10.0.0.0/8), loopback, linklocal and uniquelocal, but is ${JSON.stringify(text)}`)
  return addresses
}

function isProxy (text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true
  return isIP(address) > 0 && rest.length === 0 && (bits === undefined || (INTEGER.test(bits) && Number(bits) <= (isIP(address) === 4 ? 32 : 128)))
}

/** The variable behind an option. */
function describe (option: string, env: NodeJS.ProcessEnv): OptionSource {
  const [name, [, factor] = ['', 1]] = Object.entries(NUMBERS).find(([, [known]]) => known === option) ?? [
    String(Object.entries({ ...TEXTS, ...LISTS }).find(([, known]) => known === option)?.[0])
  ]
  return { name, value: env[name], factor }
}

function isLoopback (host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.[0-9]{1,3}){3}$/.test(host)
}
