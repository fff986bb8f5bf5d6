import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis'
import { ConfigInvalidError } from '../../../errors.js'
import { DECIDE, JOIN, LEAVE, LOOK, WITNESS } from '../failover/register-scripts.js'
import { PUBLISH, READ, TOUCH, VERIFY } from '../log/scripts.js'
import { POST } from '../nodes/scripts.js'
import { guardQueue } from './surplus.js'
import { backoff, type Timings } from './timings.js'
import { parseUrl } from './url.js'

/** A client of ioredis, for one server (also found by Sentinel) or a cluster. */
export type RedisClient = Redis | Cluster

/** Number of keys and text of each script. */
const SCRIPTS = {
  messengerPublish: [4, PUBLISH],
  messengerRead: [3, READ],
  messengerVerify: [3, VERIFY],
  messengerTouch: [1, TOUCH],
  messengerPost: [1, POST],
  messengerJoin: [1, JOIN],
  messengerDecide: [1, DECIDE],
  messengerLook: [1, LOOK],
  messengerWitness: [1, WITNESS],
  messengerLeave: [1, LEAVE]
} as const satisfies Record<string, readonly [keys: number, lua: string]>

/** What a script answers is parsed: another version may have written what it read. */
type Scripts = Record<keyof typeof SCRIPTS, (...args: (string | number)[]) => Promise<unknown>>

/** A connection on which the scripts can be called. */
export type Commands = RedisClient & Scripts

/** How long a connection may take to say goodbye; a dead one never does. */
const DISCONNECT_MS = 100

// Nothing waits in a queue for a server that is away: what cannot be done now is answered now. And nothing is sent a second
// time: a message whose answer was lost may be in the log.
function options ({ commandMs, maxBackoffMs }: Timings) {
  const retryStrategy = (attempt: number): number => backoff(attempt, maxBackoffMs)
  return {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: commandMs,
    connectTimeout: commandMs,
    // It would wait for as long as the server says that reading its data takes.
    maxLoadingRetryTime: maxBackoffMs,
    sentinelCommandTimeout: commandMs,
    disconnectTimeout: DISCONNECT_MS,
    autoResubscribe: false,
    retryStrategy,
    sentinelRetryStrategy: retryStrategy,
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    ...OWN
  } satisfies RedisOptions
}

function clusterOptions ({ commandMs, maxBackoffMs }: Timings) {
  return {
    enableOfflineQueue: false,
    shardedSubscribers: true,
    clusterRetryStrategy: (attempt: number) => backoff(attempt, maxBackoffMs),
    slotsRefreshInterval: commandMs,
    slotsRefreshTimeout: commandMs,
    // Would send again what a node may have done before it was lost.
    retryDelayOnFailover: 0,
    scaleReads: 'master' as const,
    redisOptions: { commandTimeout: commandMs, connectTimeout: commandMs, disconnectTimeout: DISCONNECT_MS, ...OWN },
    ...OWN
  } satisfies ClusterOptions
}

// What a host may have set for itself and would break here: names in scripts are not prefixed, and connecting is not put off.
// With version 3 of the protocol a connection takes commands while it is subscribed to something. CLIENT SETINFO is what Redis has
// since 7.2 only and an ACL would have to allow.
const OWN = { keyPrefix: '', lazyConnect: false, enableAutoPipelining: false, protocol: 3 as const, disableClientInfo: true }

/** Whether a client is one of a cluster; the host's may be of another copy of ioredis, so that its class says nothing. */
export function isCluster<T extends RedisClient> (client: T): client is T & Cluster {
  return client.isCluster
}

/**
 * Opens a connection of this package's own: to what a URL names, or to where a client of the host is connected.
 * `redis://`, `rediss://` (TLS), `unix:///path`, `redis+sentinel://host:port,host:port/name`, `redis+cluster://host:port,host:port`;
 * `rediss+…` for TLS. Throws MSG_ERR_CONFIG_INVALID for any other; the error does not tell the URL, which may hold a password.
 */
export function connect (target: string | RedisClient, timings: Timings): Commands {
  const client = typeof target === 'string' ? open(target, timings) : duplicate(target, timings)
  // Without a listener the first lost connection would end the process; what matters of it is the state.
  client.on('error', () => {})
  if (isCluster(client)) client.on('+node', guardQueue)
  else guardQueue(client)
  for (const [name, [numberOfKeys, lua]] of Object.entries(SCRIPTS)) client.defineCommand(name, { numberOfKeys, lua })
  return client as Commands
}

/**
 * Connections with the settings of the host's client, of this package's own ioredis: version 5, which many hosts have, lacks version 3 of
 * the protocol. A client of another make is asked for a connection of its own.
 */
function duplicate (client: RedisClient, timings: Timings): RedisClient {
  if (typeof (client as Partial<RedisClient> | null)?.duplicate !== 'function') throw new ConfigInvalidError('redis must be a URL or a client of ioredis')
  const { options: settings, startupNodes } = client as { options?: object, startupNodes?: ConstructorParameters<typeof Cluster>[0] }
  if (!isCluster(client)) {
    return settings === undefined ? client.duplicate(options(timings)) : new Redis({ ...settings as Omit<RedisOptions, 'replyMapping'>, ...options(timings) })
  }
  const own = clusterOptions(timings)
  if (settings === undefined || startupNodes === undefined) return client.duplicate([], own)
  const { redisOptions } = settings as ClusterOptions
  return new Cluster(startupNodes, { ...settings, ...own, redisOptions: { ...redisOptions as object, ...own.redisOptions } })
}

/** The number of a server's database; pub/sub does not know of it. */
export function databaseOf ({ options }: RedisClient): number {
  return (options as RedisOptions | undefined)?.db ?? 0
}

function open (target: string, timings: Timings): RedisClient {
  const { kind, url, hosts, name, credentials, tls } = parseUrl(target)
  const secure = tls ? { tls: {} } : {}
  switch (kind) {
    case 'server':
      return new Redis(url, options(timings))
    case 'sentinel':
      return new Redis({
        ...options(timings), ...credentials, ...secure, sentinels: hosts, name, ...tls && { sentinelTLS: {}, enableTLSForSentinelMode: true }
      })
    case 'cluster': {
      const shared = clusterOptions(timings)
      return new Cluster(hosts, { ...shared, redisOptions: { ...shared.redisOptions, ...credentials, ...secure } })
    }
  }
}
