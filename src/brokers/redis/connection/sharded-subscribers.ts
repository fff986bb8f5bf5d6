import type { EventEmitter } from 'node:events'
import type { Cluster, Redis } from 'ioredis'

/** The part of a cluster's client that keeps a connection to each node for sharded subscriptions. */
interface ShardedSubscribers {
  readonly shardedSubscribers: Map<string, { getInstance (): Redis | null }>
  readonly subscriberGroupEmitter: EventEmitter
}

/**
 * Handles the errors of a connection for sharded subscriptions that was stopped. ioredis 6.0.0 removes all listeners of such a connection
 * (ShardedSubscriber.stop), also during its handshake: the error of a command that is still unanswered is then printed to stderr.
 */
export function guardShardedSubscribers (cluster: Cluster): void {
  // The property is private to TypeScript alone, and a client of another library may not have it.
  const { shardedSubscribers: group } = cluster as unknown as { shardedSubscribers?: ShardedSubscribers }
  if (group === undefined) return
  const guarded = new WeakSet<Redis>()
  group.subscriberGroupEmitter.on('+subscriber', () => {
    for (const subscriber of group.shardedSubscribers.values()) {
      const connection = subscriber.getInstance()
      if (connection === null || guarded.has(connection)) continue
      guarded.add(connection)
      const removeAllListeners = connection.removeAllListeners.bind(connection)
      connection.removeAllListeners = (event?: string | symbol) => {
        removeAllListeners(event)
        return connection.on('error', () => {})
      }
    }
  })
}
