import type { Cluster } from 'ioredis'

/**
 * Keeps a client from going on after its end. What ioredis 6.0.0 has under way when it is disconnected, such as a refresh of the slots
 * (Cluster.resetNodesRefreshInterval), sets the timer for the next one all the same: that goes on for ever, and the process never ends.
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
