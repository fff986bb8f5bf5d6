import { isCluster } from '../connection/connection.js'
import type { Link } from '../connection/link.js'
import { isTimeout } from '../connection/refusal.js'
import { serverOf } from './shard-terms.js'

/** Digits of `master_replid` at the beginning of a term. */
const SERVER_DIGITS = 12

/**
 * Checks that a connection is to the server of a term; otherwise reconnects and rejects. A connection that was not lost with the
 * others may still be to the replaced server, and receive its notifications. The servers of a cluster are compared by their logs.
 */
export async function assertSameServer (link: Link, term: string): Promise<void> {
  const { client } = link
  if (isCluster(client)) return
  const info = await client.info('replication').catch((error: unknown) => {
    if (isTimeout(error)) link.reconnect()
    throw error
  })
  if (serverOf(info) === term.slice(0, SERVER_DIGITS)) return
  link.reconnect()
  throw new Error('the connection is not to the same server')
}
