import t from 'tap'
import type { Link } from '../../../../src/brokers/redis/connection/link.js'
import { assertSameServer } from '../../../../src/brokers/redis/failover/same-server.js'

const REPLID = '0123456789ab'

/** A connection to a server that describes itself so, and how often it was made again. */
function connection (answer: string | Error): Link & { reconnects: number } {
  const probe = (): Promise<string> => answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
  const link = { client: { isCluster: false }, probe, reconnects: 0, reconnect () { link.reconnects++ } }
  return link as unknown as Link & { reconnects: number }
}

t.test('assertSameServer', async (t) => {
  t.test('accepts the master of the term, which may be a term of its own on the server', async (t) => {
    const [commands, notifications] = [connection(''), connection(`role:master\r\nmaster_replid:${REPLID}0000`)]
    for (const term of [REPLID, `${REPLID}#2`]) await assertSameServer({ commands, notifications }, term)
    t.strictSame([commands.reconnects, notifications.reconnects], [0, 0])
  })

  t.test('makes both connections again where one of them is to another master, or to a replica of the same one', async (t) => {
    for (const info of ['role:master\r\nmaster_replid:ba9876543210', `role:slave\r\nmaster_replid:${REPLID}`, 'nonsense']) {
      const [commands, notifications] = [connection(''), connection(info)]
      await t.rejects(assertSameServer({ commands, notifications }, REPLID), { message: 'the connections are not to the same server' })
      t.strictSame([commands.reconnects, notifications.reconnects], [1, 1], info)
    }
  })

  t.test('rejects where the server does not answer, and leaves that to the link', async (t) => {
    const [commands, notifications] = [connection(''), connection(new Error('Command timed out'))]
    await t.rejects(assertSameServer({ commands, notifications }, REPLID), { message: 'Command timed out' })
    t.strictSame([commands.reconnects, notifications.reconnects], [0, 0])
  })
})
