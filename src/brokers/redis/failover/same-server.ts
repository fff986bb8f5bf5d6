import { isCluster } from '../connection/connection.js'
import type { Link } from '../connection/link.js'
import { parseReplication, serverOf } from './replication.js'

/** The connections of an instance. */
export interface Connections {
  /** The connection on which the term was read. */
  readonly commands: Link
  readonly notifications: Link
}

/**
 * Checks that both connections are to the server of a term; otherwise reconnects both and rejects. A connection that was not lost with
 * the other may still be to the replaced server. That can be either: a master that returns after a failover remains a master until
 * Sentinels make it a replica. The servers of a cluster are compared by their logs.
 */
export async function assertSameServer ({ commands, notifications }: Connections, term: string): Promise<void> {
  if (isCluster(notifications.client)) return
  const { server, isMaster } = parseReplication(await notifications.probe((client) => client.info('replication')))
  if (server === serverOf(term) && isMaster) return
  commands.reconnect()
  notifications.reconnect()
  throw new Error('the connections are not to the same server')
}
