import type { Redis } from 'ioredis'

/**
 * Handles the rejection of ASKING. ioredis 6.0.0 sends it before a command that was redirected to the new node of a slot, and forgets it
 * (Cluster.sendCommand): where the connection to that node is lost, its rejection would end the process.
 */
export function guardAsking (node: Redis): void {
  const asking = node.asking.bind(node)
  node.asking = (...args: Parameters<typeof asking>) => {
    const answer = asking(...args)
    // The command behind it is rejected as well.
    answer.catch(() => {})
    return answer
  }
}
