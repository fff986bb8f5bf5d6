import { readFileSync } from 'node:fs'
import { DEFAULT_TOKEN } from '../access/bearer-tokens.js'
import { isLoopback } from '../access/hosts.js'
import { CommandError, UsageError } from './command.js'

const DEFAULT_PORT = '3000'

/** The service that a command speaks to. */
export interface Service {
  /** The address without a slash at its end. */
  readonly base: string
  readonly token: string | undefined
}

/** Part of the help of each command that speaks to a service. */
export const SERVICE_HELP = `  --server <address>  the service, with the prefix of the plugin if it has one
                      (MESSENGER_URL; default http://127.0.0.1:3000, or the port in PORT)

The token is MESSENGER_TOKEN, or the first one of BEARER_TOKEN or BEARER_TOKEN_FILE.`

/** The service of the option `--server` or the environment. Throws {@link UsageError} without the address, which may contain a password. */
export function serviceOf (server: string | undefined, env: NodeJS.ProcessEnv): Service {
  const port = /^\d+$/.test(env['PORT'] ?? '') && env['PORT'] !== '0' ? String(env['PORT']) : DEFAULT_PORT
  const address = given(server) ?? given(env['MESSENGER_URL']) ?? `http://127.0.0.1:${port}`
  const url = /^https?:\/\//i.test(address) && URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    const name = given(server) === undefined ? 'MESSENGER_URL' : '--server'
    throw new UsageError(`${name} must be an address like https://example.com or http://127.0.0.1:3000/rt, without user, query and fragment`)
  }
  const token = tokenOf(env)
  // The token of a service that was given none, which accepts connections of this machine only.
  return { base: url.href.replace(/\/+$/, ''), token: token ?? (isLoopback(url.hostname) ? DEFAULT_TOKEN : undefined) }
}

function tokenOf (env: NodeJS.ProcessEnv): string | undefined {
  const token = given(env['MESSENGER_TOKEN']) ?? given(env['BEARER_TOKEN']) ?? fileOf('BEARER_TOKEN_FILE', env)
  const [first = ''] = token?.split(',') ?? []
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(first.trim()))
    throw new CommandError('the token must be printable ASCII characters without white space (MESSENGER_TOKEN, BEARER_TOKEN)')
  return token === undefined ? undefined : first.trim()
}

function fileOf (name: string, env: NodeJS.ProcessEnv): string | undefined {
  const file = given(env[name])
  if (file === undefined) return undefined
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    // The name is not shown: it may be the secret itself.
    throw new CommandError(`${name} must name a file that can be read (${String((error as NodeJS.ErrnoException).code)})`)
  }
}

/** Many tools pass an unset variable as an empty one. */
function given (text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}
