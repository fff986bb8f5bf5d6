import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { isAbsolute } from 'node:path'
import { DEFAULT_TOKEN } from './access/bearer-tokens.js'
import { isLoopback } from './access/hosts.js'
import { hostsOf, LOOPBACK_HOSTS } from './access/hosts.js'
import { ConfigInvalidError } from './errors.js'
import { misspelled } from './misspelled.js'
import { factorOf, type OptionMetadata, type OptionSchema, variablesOf } from './options/metadata.js'
import { type MessengerOptions, MessengerOptionsSchema, type OptionSource, type ResolvedOptions, resolveOptions } from './options/schema.js'
import { LOG_LEVELS, serviceOptions } from './options/service.js'

const INTEGER = /^[0-9]+$/
const NUMBER = /^[0-9]+(\.[0-9]+)?$/
/** A path, absolute or not; on Windows the one of a named pipe. */
const SOCKET_PATH = /[/\\]/

const SERVICE = serviceOptions as Record<keyof typeof serviceOptions, OptionSchema>
const PLUGIN = MessengerOptionsSchema.properties as Record<keyof MessengerOptions, OptionSchema>

/** The names of all variables. */
export const VARIABLES: readonly string[] = [...Object.values(SERVICE), ...Object.values(PLUGIN)].flatMap(variablesOf)

/** Settings of the process. */
export interface Config {
  /** Port to listen on; 0 takes a free one. */
  port: number
  /** Unix socket to listen on instead. */
  path: string | undefined
  /** Address to listen on. */
  host: string
  logLevel: string
  /** The trusted proxies, as Fastify's `trustProxy`. */
  trustProxy: boolean | string[]
  /** Longest header section of a request, in bytes. */
  maxHeaderBytes: number
  /** Connections from one address, those without a subscription included. */
  maxSocketsPerAddress: number
  /** Milliseconds that a whole request may take to arrive. */
  requestTimeoutMs: number
  /** Logged at the start, for example for the default token. */
  warnings: string[]
  /** Options of the plugin. */
  messenger: ResolvedOptions
}

type Get = (option: OptionMetadata) => string | undefined

/** Reads the environment. Throws MSG_ERR_CONFIG_INVALID with the variable's name, its rule and the value (not that of a secret). */
export function readConfig (env: NodeJS.ProcessEnv): Config {
  const get: Get = ({ env: name, file }) => {
    if (name === undefined) return undefined
    // Many tools pass an unset variable as an empty one.
    const text = env[name] === '' ? undefined : env[name]
    return text ?? (file === true ? readFileOf(`${name}_FILE`, env) : undefined)
  }
  const logLevel = get(SERVICE.logLevel) ?? 'info'
  if (!LOG_LEVELS.includes(logLevel)) throw invalid(SERVICE.logLevel, logLevel)

  const tokens = get(PLUGIN.token)
  const host = get(SERVICE.host) ?? (tokens === undefined ? '127.0.0.1' : '0.0.0.0')
  const port = get(SERVICE.port)
  const path = port !== undefined && SOCKET_PATH.test(port) ? port : undefined
  const warnings = misspelled(Object.keys(env), VARIABLES)
  if (tokens === undefined) {
    if (path === undefined && !isLoopback(host)) {
      throw new ConfigInvalidError(`BEARER_TOKEN must be set to listen on HOST ${JSON.stringify(host)}: ` +
        'without it the token is a public one, and only a loopback address is allowed. ' +
        'Set it to a secret, such as the output of `openssl rand -hex 32`')
    }
    warnings.push(`BEARER_TOKEN is not set: the token is ${DEFAULT_TOKEN}, and only this machine can connect`)
  }

  const messenger = resolveOptions({ token: [DEFAULT_TOKEN], page: true, ...readOptions(get, env) }, (option) => describe(option, env))
  // A foreign page whose name is made to resolve to this machine can access the service as its own origin (DNS rebinding), and
  // publish with the default token. A service with its own token may be behind a proxy that passes another name, which only the
  // operator knows.
  if (tokens === undefined && messenger.allowedHosts === undefined) {
    messenger.allowedHosts = [...LOOPBACK_HOSTS, ...hostsOf(messenger.allowedOrigins ?? [])]
  }

  return {
    port: path === undefined ? integer(SERVICE.port, get) : 0,
    path,
    host,
    logLevel,
    trustProxy: trustProxy(get(SERVICE.trustProxy)),
    maxHeaderBytes: integer(SERVICE.maxHeaderBytes, get),
    requestTimeoutMs: integer(SERVICE.requestTimeoutMs, get),
    // Twice: besides its subscriptions an address has connections for publishing, and new ones without a request.
    maxSocketsPerAddress: integer({ ...SERVICE.maxSocketsPerAddress, default: 2 * messenger.maxConnectionsPerAddress }, get),
    warnings,
    messenger
  }
}

/** The options of the plugin from the environment. */
function readOptions (get: Get, env: NodeJS.ProcessEnv): Record<string, unknown> {
  const options: Record<string, unknown> = {}
  for (const [option, schema] of Object.entries(PLUGIN)) {
    const text = get(schema)
    if (text !== undefined) options[option] = schema.json === true ? readJsonOf(String(schema.env), env) : parse(text, schema)
  }
  return options
}

function parse (text: string, schema: OptionSchema): unknown {
  if (schema.list === true) return text.split(',').map((item) => item.trim())
  if (schema.type !== 'integer' || !NUMBER.test(text)) return text
  // 16.1 * 1000 is 16100.000000000002.
  return Number((Number(text) * factorOf(schema)).toFixed(3))
}

/** The content of the file that a variable names. */
function readFileOf (name: string, env: NodeJS.ProcessEnv, mayBeSecret = true): string | undefined {
  const file = env[name]
  if (file === undefined || file === '') return undefined
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    // A value that is not a path may be the secret itself.
    const shown = isAbsolute(file) || !mayBeSecret ? JSON.stringify(file) : 'the given path'
    const { code } = error as NodeJS.ErrnoException
    throw new ConfigInvalidError(`${name} must name a file that can be read, but ${shown} cannot (${String(code)})`)
  }
}

/** The JSON in the file that a variable names. */
function readJsonOf (name: string, env: NodeJS.ProcessEnv): unknown {
  const text = readFileOf(name, env, false) as string
  try {
    return JSON.parse(text)
  } catch (error) {
    // The message quotes the text, which may have several lines.
    const reason = (error as Error).message.replaceAll(/\s+/g, ' ')
    throw new ConfigInvalidError(`${name} must name a file of valid JSON: ${JSON.stringify(env[name])} is not (${reason})`)
  }
}

/** A whole number of the variable's unit, in the unit of the option. */
function integer (schema: OptionSchema, get: Get): number {
  const { minimum = 0, maximum = 0 } = schema
  const factor = factorOf(schema)
  const text = get(schema) ?? String(Number(schema.default) / factor)
  const value = INTEGER.test(text) ? Number(text) * factor : NaN
  if (!(value >= minimum && value <= maximum))
    throw invalid({ ...schema, rule: `an integer from ${minimum / factor} to ${maximum / factor}` }, text)
  return value
}

function invalid ({ env, rule }: OptionMetadata, text: string): Error {
  return new ConfigInvalidError(`${String(env)} must be ${String(rule)}, but is ${JSON.stringify(text)}`)
}

function trustProxy (text: string | undefined): Config['trustProxy'] {
  if (text === undefined || text === 'false') return false
  if (text === 'true') return true
  const addresses = text.split(',').map((item) => item.trim())
  if (!addresses.every(isProxy)) throw invalid(SERVICE.trustProxy, text)
  return addresses
}

function isProxy (text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true
  return isIP(address) > 0 && rest.length === 0 &&
    (bits === undefined || (INTEGER.test(bits) && Number(bits) <= (isIP(address) === 4 ? 32 : 128)))
}

/** An option in the terms of the environment. */
function describe (option: string, env: NodeJS.ProcessEnv): OptionSource {
  const schema = PLUGIN[option as keyof MessengerOptions]
  const name = String(schema.env)
  return { name, value: env[name], factor: factorOf(schema) }
}
