import type { Cluster } from 'ioredis'

/**
 * Prevents a client from continuing after its end. A refresh of the slots that is in progress at the disconnect (ioredis 6.0.0,
 * Cluster.resetNodesRefreshInterval) still sets the timer for the next one, so that the process never ends.
 */
export function guardEnd (cluster: Cluster): void {
  // A client of another library may not have the method.
  if ((cluster as Partial<Cluster>).refreshSlotsCache === undefined) return
  const disconnect = cluster.disconnect.bind(cluster)
  cluster.disconnect = (reconnect = false) => {
    disconnect(reconnect)
    if (reconnect) return
    cluster.refreshSlotsCache = () => {}
    cluster.connect = () => Promise.reject(new Error('the connection was ended'))
  }
}
