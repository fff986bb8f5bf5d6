import { ConfigInvalidError } from '../../../errors.js'

const DEFAULT_PORTS = { server: 6_379, cluster: 6_379, sentinel: 26_379 }
const DEFAULT_SENTINEL_NAME = 'mymaster'

/** The parts of a Redis URL. */
export interface RedisUrl {
  readonly kind: 'server' | 'sentinel' | 'cluster'
  /** The URL in the form of ioredis; for a single server only. */
  readonly url: string
  /** The Sentinels, or the nodes of the Redis cluster. */
  readonly hosts: { host: string, port: number }[]
  /** The name of the master in the Sentinels. */
  readonly name: string
  readonly credentials: { username?: string, password?: string }
  readonly tls: boolean
}

/** Parses a URL. Throws MSG_ERR_CONFIG_INVALID with the rule, and without the URL, which may contain a password. */
export function parseUrl (text: string): RedisUrl {
  const [, secure = '', scheme = '', rest = ''] = /^(?:redis(s?)(?:\+(sentinel|cluster))?|unix):\/\/(.+)$/s.exec(text) ?? []
  if (rest === '')
    throw new ConfigInvalidError('REDIS_URL must begin with redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://')
  const tls = secure !== ''
  if (scheme === '') {
    const url = text.startsWith('unix:') ? rest : text
    if (url.startsWith('/') || URL.canParse(url)) return { kind: 'server', url, hosts: [], name: '', credentials: {}, tls }
    throw invalid()
  }
  const kind = scheme as 'sentinel' | 'cluster'
  const { hosts, path, username, password } = split(rest, DEFAULT_PORTS[kind])
  const credentials = { ...username !== '' && { username }, ...password !== '' && { password } }
  return { kind, url: '', hosts, name: path === '' ? DEFAULT_SENTINEL_NAME : path, credentials, tls }
}

/** Parses `[user:password@]host:port,host:port[/path]`; `URL` allows one host only. */
function split (rest: string, defaultPort: number): { hosts: RedisUrl['hosts'], path: string, username: string, password: string } {
  const at = rest.lastIndexOf('@')
  // Only the first colon separates, so that a password may contain others.
  const [username, password] = cut(rest.slice(0, Math.max(0, at)), ':')
  const [list, path] = cut(rest.slice(at + 1), '/')
  const hosts = list.split(',').map((item) => {
    const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(item) ?? []
    const host = bracketed ?? plain
    if (host === undefined) throw invalid()
    return { host, port: port === undefined ? defaultPort : Number(port) }
  })
  try {
    return { hosts, path: decodeURIComponent(path), username: decodeURIComponent(username), password: decodeURIComponent(password) }
  } catch {
    throw invalid()
  }
}

function cut (text: string, separator: string): [before: string, after: string] {
  const index = text.indexOf(separator)
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)]
}

function invalid (): Error {
  return new ConfigInvalidError('REDIS_URL must be [user:password@]host:port after its ://, ' +
    'several hosts with commas between them, user and password percent-encoded')
}
