import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis'
import { ConfigInvalidError } from '../../../errors.js'
import { DECIDE, JOIN, LEAVE, LOOK, WITNESS } from '../failover/register-scripts.js'
import { PUBLISH, READ, TOUCH, VERIFY } from '../log/scripts.js'
import { LIST_MEMBERS, SET_MEMBERS } from '../members/scripts.js'
import { ANNOUNCE } from '../nodes/scripts.js'
import { guardAsking } from './asking.js'
import { guardEnd } from './ended-cluster.js'
import { guardLastSubscriber } from './last-subscriber.js'
import { guardShardedSubscribers } from './sharded-subscribers.js'
import { guardQueue } from './surplus.js'
import { backoff, type Timings } from './timings.js'
import { parseUrl } from './url.js'

/** A client of ioredis, for one server (also found by Sentinel) or a cluster. */
export type RedisClient = Redis | Cluster

/** Number of keys and text of each script; without a number it is the first argument. */
const SCRIPTS = {
  messengerPublish: [4, PUBLISH],
  messengerRead: [3, READ],
  messengerVerify: [undefined, VERIFY],
  messengerTouch: [1, TOUCH],
  messengerAnnounce: [1, ANNOUNCE],
  messengerSetMembers: [5, SET_MEMBERS],
  messengerListMembers: [5, LIST_MEMBERS],
  messengerJoin: [1, JOIN],
  messengerDecide: [1, DECIDE],
  messengerLook: [1, LOOK],
  messengerWitness: [1, WITNESS],
  messengerLeave: [1, LEAVE]
} as const satisfies Record<string, readonly [keys: number | undefined, lua: string]>

/** Answers of scripts are unknown and parsed: the data may be from another version. */
type Scripts = Record<keyof typeof SCRIPTS, (...args: (string | number)[]) => Promise<unknown>>

/** A connection on which the scripts can be called. */
export type Commands = RedisClient & Scripts

/** Time without an answer after which a connection to a node of a cluster ends, as a multiple of the limit for a command. */
const SILENT_COMMANDS = 2
/** Time limit for an orderly disconnect; a dead connection never completes one. */
const DISCONNECT_MS = 100

// No command is queued for an absent server: it fails at once. And none is sent a second time: a message whose answer was lost
// may be in the log.
function options ({ commandMs, maxBackoffMs }: Timings) {
  const retryStrategy = (attempt: number): number => backoff(attempt, maxBackoffMs)
  return {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: commandMs,
    connectTimeout: commandMs,
    // Without it ioredis waits for the loading time that the server reports.
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
    // Would send a command again that a lost Redis node may have executed.
    retryDelayOnFailover: 0,
    scaleReads: 'master' as const,
    redisOptions: {
      commandTimeout: commandMs,
      connectTimeout: commandMs,
      // Ends a connection that was cut silently: the connections to the nodes of a cluster are not pinged (Link).
      socketTimeout: SILENT_COMMANDS * commandMs,
      disconnectTimeout: DISCONNECT_MS,
      ...OWN
    },
    ...OWN
  } satisfies ClusterOptions
}

// Overrides host settings that would break this package: names in scripts are not prefixed, and connections are not lazy.
// With version 3 of the protocol a subscribed connection still takes commands. CLIENT SETINFO exists since Redis 7.2 only, and
// would need a permission in an ACL. Answers of scripts contain numbers.
const OWN = {
  keyPrefix: '', lazyConnect: false, enableAutoPipelining: false, protocol: 3 as const, disableClientInfo: true, stringNumbers: false
}

/** Whether a client is one of a cluster. Not by its class: the host's client may be of another copy of ioredis. */
export function isCluster<T extends RedisClient> (client: T): client is T & Cluster {
  return client.isCluster
}

/**
 * Opens a connection of this package's own: to a URL, or to the server of a host's client.
 * `redis://`, `rediss://` (TLS), `unix:///path`, `redis+sentinel://host:port,host:port/name`, `redis+cluster://host:port,host:port`;
 * `rediss+…` for TLS. Throws MSG_ERR_CONFIG_INVALID for any other; the error omits the URL, which may contain a password.
 */
export function connect (target: string | RedisClient, timings: Timings): Commands {
  const client = typeof target === 'string' ? open(target, timings) : duplicate(target, timings)
  // Without a listener the first lost connection would end the process. The state events are sufficient.
  client.on('error', () => {})
  if (isCluster(client)) {
    client.on('+node', (node: Redis) => {
      guardQueue(node)
      guardAsking(node)
    })
    guardEnd(client)
    guardLastSubscriber(client)
    guardShardedSubscribers(client)
  } else {
    guardQueue(client)
  }
  for (const [name, [keys, lua]] of Object.entries(SCRIPTS)) {
    client.defineCommand(name, keys === undefined ? { lua } : { lua, numberOfKeys: keys })
  }
  return client as Commands
}

/**
 * A connection with the settings of the host's client, but of this package's ioredis: version 5, which many hosts have, lacks version 3
 * of the protocol. A client of another kind duplicates itself.
 */
function duplicate (client: RedisClient, timings: Timings): RedisClient {
  if (typeof (client as Partial<RedisClient> | null)?.duplicate !== 'function')
    throw new ConfigInvalidError('redis must be a URL or a client of ioredis')
  const { options: settings, startupNodes } = client as { options?: object, startupNodes?: ConstructorParameters<typeof Cluster>[0] }
  if (!isCluster(client)) {
    return settings === undefined
      ? client.duplicate(options(timings))
      : new Redis({ ...settings as Omit<RedisOptions, 'replyMapping'>, ...options(timings) })
  }
  const own = clusterOptions(timings)
  if (settings === undefined || startupNodes === undefined) return client.duplicate([], own)
  const { redisOptions } = settings as ClusterOptions
  return new Cluster(startupNodes, { ...settings, ...own, redisOptions: { ...redisOptions as object, ...own.redisOptions } })
}

/** The number of the database, which pub/sub disregards. */
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
        ...options(timings), ...credentials, ...secure, sentinels: hosts, name,
        ...tls && { sentinelTLS: {}, enableTLSForSentinelMode: true }
      })
    case 'cluster': {
      const shared = clusterOptions(timings)
      return new Cluster(hosts, { ...shared, redisOptions: { ...shared.redisOptions, ...credentials, ...secure } })
    }
  }
}
