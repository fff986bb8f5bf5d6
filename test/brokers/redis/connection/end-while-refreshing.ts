// Ends clients of a cluster in the middle of what they do by themselves. The process ends when nothing of them is left.
// `node end-while-refreshing.ts <url>`
import { connect } from '../../../../src/brokers/redis/connection/connection.js'
import { eventually } from '../../../eventually.js'
import { TEST_TIMINGS } from '../redis-node.js'

const [, , url = ''] = process.argv

await Promise.all(Array.from({ length: 5 }, async () => {
  const client = connect(url, { ...TEST_TIMINGS, commandMs: 500 })
  await eventually(() => client.status === 'ready', { message: 'the client is ready' })
  // The client reads where the slots are every `commandMs`. The property is private to TypeScript alone.
  const { isRefreshing } = client as unknown as { isRefreshing: boolean }
  if (typeof isRefreshing !== 'boolean') throw new Error('the client tells no more when it refreshes its slots')
  await eventually(() => (client as unknown as { isRefreshing: boolean }).isRefreshing, { everyTurn: true, message: 'a refresh of the slots' })
  client.disconnect()
}))
