import { Cluster, Redis } from 'ioredis'
import { ConfigInvalidError } from '../../errors.js'
import { PUBLISH, READ, TOUCH, VERIFY } from './scripts.js'

/** A client of ioredis, for one server (also found by Sentinel) or a cluster. */
export type RedisClient = Redis | Cluster

/** A connection on which the scripts can be called. */
export type Commands = RedisClient & {
  messengerPublish (...args: (string | number)[]): Promise<[status: 'sent' | 'duplicate' | 'conflict', epoch: string, offset: string, subscribers: string]>
  messengerRead (...args: (string | number)[]): Promise<[epoch: string, head: string, after: string, reason: string, entries: [id: string, fields: [string, string]][]]>
  messengerVerify (...args: (string | number)[]): Promise<0 | 1>
  messengerTouch (...args: (string | number)[]): Promise<[epoch: string | null, head: string | null]>
}

const COMMAND_TIMEOUT_MS = 2_000
const MAX_BACKOFF_MS = 1_000

/** Full jitter, so that the instances do not come back in step. */
function backoff (attempt: number): number {
  return Math.ceil(Math.random() * Math.min(MAX_BACKOFF_MS, 25 * 2 ** attempt))
}

// Nothing waits in a queue for a server that is away: what cannot be done now is answered now.
const OPTIONS = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  commandTimeout: COMMAND_TIMEOUT_MS,
  connectTimeout: COMMAND_TIMEOUT_MS,
  autoResubscribe: false,
  retryStrategy: backoff,
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY')
}

const CLUSTER_OPTIONS = {
  enableOfflineQueue: false,
  shardedSubscribers: true,
  clusterRetryStrategy: backoff,
  slotsRefreshInterval: 2_000,
  redisOptions: { commandTimeout: COMMAND_TIMEOUT_MS, connectTimeout: COMMAND_TIMEOUT_MS }
}

/**
 * Opens a connection of this package's own: to what a URL names, or to where a client of the host is connected.
 * `redis://`, `rediss://` (TLS), `unix:///path`, `redis+sentinel://host:port,host:port/name`, `redis+cluster://host:port,host:port`;
 * `rediss+…` for TLS. Throws MSG_ERR_CONFIG_INVALID for any other.
 */
export function connect (target: string | RedisClient): Commands {
  const client = typeof target === 'string' ? open(target) : duplicate(target)
  // Without a listener the first lost connection would end the process; what matters of it is the state.
  client.on('error', () => {})
  client.defineCommand('messengerPublish', { numberOfKeys: 3, lua: PUBLISH })
  client.defineCommand('messengerRead', { numberOfKeys: 2, lua: READ })
  client.defineCommand('messengerVerify', { numberOfKeys: 2, lua: VERIFY })
  client.defineCommand('messengerTouch', { numberOfKeys: 1, lua: TOUCH })
  return client as Commands
}

function duplicate (client: RedisClient): RedisClient {
  return client instanceof Cluster ? client.duplicate([], CLUSTER_OPTIONS) : client.duplicate(OPTIONS)
}

function open (target: string): RedisClient {
  const [, scheme = '', rest = ''] = /^([a-z+]+):\/\/(.+)$/.exec(target) ?? []
  if (scheme === 'redis' || scheme === 'rediss') return new Redis(target, OPTIONS)
  if (scheme === 'unix') return new Redis(rest, OPTIONS)
  const { hosts, path, username, password } = parse(rest)
  const tls = scheme.startsWith('rediss') ? { tls: {} } : {}
  const credentials = { ...username && { username }, ...password && { password } }
  switch (scheme.replace('rediss', 'redis')) {
    case 'redis+sentinel':
      return new Redis({ ...OPTIONS, ...tls, ...credentials, sentinels: hosts, name: path || 'mymaster', sentinelRetryStrategy: backoff })
    case 'redis+cluster':
      return new Cluster(hosts, { ...CLUSTER_OPTIONS, redisOptions: { ...CLUSTER_OPTIONS.redisOptions, ...tls, ...credentials } })
    default:
      throw new ConfigInvalidError('REDIS_URL must begin with redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://')
  }
}

/** Takes `[user:password@]host:port,host:port[/path]` apart, which URL does not take for its several hosts. */
function parse (rest: string): { hosts: { host: string, port: number }[], path: string, username: string, password: string } {
  const [, login = '', list = '', path = ''] = /^(?:(.*)@)?([^/]*)(?:\/(.*))?$/.exec(rest) ?? []
  const [username = '', password = ''] = login.split(':').map(decodeURIComponent)
  const hosts = list.split(',').map((host) => {
    const [, name = '', port = '6379'] = /^(.*?)(?::(\d+))?$/.exec(host) ?? []
    return { host: name, port: Number(port) }
  })
  return { hosts, path, username, password }
}
