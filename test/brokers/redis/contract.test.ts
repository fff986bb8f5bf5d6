import t from 'tap'
import { testContract } from '../contract.js'
import { startNode, uniquePrefix } from './redis-node.js'
import { startRedis } from './redis-server.js'

const server = await startRedis(t, { args: ['--enable-debug-command', 'yes'] })
const redis = server.connect(t)

testContract(t, 'RedisBroker', async (t, retention) => {
  const options = { redis: server.url, keyPrefix: uniquePrefix(), ...retention }
  return [await startNode(t, options), await startNode(t, options)]
}, () => redis.call('DEBUG', 'CHANGE-REPL-ID'))
