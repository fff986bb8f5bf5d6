import { redisServer } from '../peers/redis-server.mjs'
import { startServer } from './server.mjs'

/**
 * Starts `instances` servers of a peer and, with `redis`, the Redis that makes one of them; resolves to the target of each, all
 * process ids (`parts`: by name) and `stop()`.
 */
export async function startDeployment ({ peer, instances, redis }) {
  const servers = []
  // Redis last: an instance that goes says so to the others.
  const stop = async () => { for (const server of servers.toReversed()) await server.stop() }
  try {
    const shared = redis ? await startServer(redisServer) : undefined
    if (shared !== undefined) servers.push(shared)
    const env = shared === undefined ? {} : { REDIS_URL: `redis://127.0.0.1:${shared.target.port}` }
    for (let instance = 0; instance < instances; instance++) servers.push(await startServer(peer, env))
    const gone = Promise.race(servers.map(({ gone }) => gone))
    gone.catch(() => {})
    const [nodes, names] = [servers.slice(-instances), ['redis', ...Array.from({ length: instances }, (_, index) => `instance ${index + 1}`)].slice(-servers.length)]
    return {
      targets: nodes.map(({ target }) => target),
      pids: servers.flatMap(({ pids }) => pids),
      parts: Object.fromEntries(names.map((name, index) => [name, servers[index].pids])),
      gone,
      stop
    }
  } catch (error) {
    await stop()
    throw error
  }
}
