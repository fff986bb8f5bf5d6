import type { Cluster, Redis } from 'ioredis'

/** The part of a cluster's client that keeps one connection for subscriptions without shards. */
interface ClusterSubscriber {
  lastActiveSubscriber: Redis | null
  selectSubscriber (): void
}

/**
 * Keeps a connection that has ended from being ended again. While no node can be reached, ioredis 6.0.0 does so at each attempt to
 * subscribe at another one (ClusterSubscriber.selectSubscriber), each time with a listener on the same socket, until Node.js warns of a
 * leak.
 */
export function guardLastSubscriber (cluster: Cluster): void {
  // The property is private to TypeScript alone, and a client of another library may not have it.
  const { subscriber } = cluster as unknown as { subscriber?: ClusterSubscriber }
  if (subscriber === undefined) return
  const select = subscriber.selectSubscriber.bind(subscriber)
  subscriber.selectSubscriber = () => {
    const last = subscriber.lastActiveSubscriber
    if (last?.status === 'end') last.disconnect = () => {}
    select()
  }
}
