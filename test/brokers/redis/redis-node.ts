import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { RedisBroker, type RedisBrokerOptions } from '../../../src/brokers/redis/redis.js'
import type { Timings } from '../../../src/brokers/redis/connection/timings.js'
import { TestNode } from '../test-node.js'

/** Short, so that tests are; but long enough for a machine that does other things as well. */
export const TEST_TIMINGS: Timings = {
  commandMs: 800, checkMs: 100, auditMs: 60_000, reportMs: 50, nodeTtlMs: 500, leaveMs: 300,
  barrierMs: 400, witnessMs: 100, maxBackoffMs: 50
}

/** Settings of a node; `redis` is where the server is. */
export type NodeOptions = Pick<RedisBrokerOptions, 'redis'> & Partial<Omit<RedisBrokerOptions, 'redis'>>

/** A prefix that no other test uses. */
export function uniquePrefix (): string {
  return `t${randomBytes(4).toString('hex')}:`
}

/** A node with a broker on Redis, which may be away; the end of the test closes it. */
export function createNode (t: Test, { timings, ...options }: NodeOptions): TestNode {
  const node = new TestNode((receiver) => new RedisBroker(receiver, {
    keyPrefix: 'm:', size: 1_000, ttlMs: 60_000, ...options, timings: { ...TEST_TIMINGS, ...timings }
  }))
  t.teardown(() => node.broker.close())
  return node
}

/** A node that is ready. */
export async function startNode (t: Test, options: NodeOptions): Promise<TestNode> {
  const node = createNode(t, options)
  await node.broker.started
  await node.turned(true)
  return node
}
