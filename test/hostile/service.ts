import type { AddressInfo } from 'node:net'
import { start } from '../../src/server.js'

/** What the service holds at a moment. */
export interface Holdings {
  /** TCP connections of the server. */
  connections: number
  /** Channels that have subscribers. */
  channels: number
  /** Timers, sockets and whatever else keeps a process alive. */
  resources: number
  /** Bytes of the heap, after a garbage collection where one was asked for. */
  heap: number
}

/** What the test asks of this process: to count what it holds, with or without a garbage collection before, or to end. */
export type Order = 'count' | 'collect' | 'end'

// The service as a process of its own, for tests that attack it: it tells over its IPC channel what it holds.
const app = await start(process.env)

async function holdings (): Promise<Holdings> {
  const connections = await new Promise<number>((resolve) => { app.server.getConnections((_error, count) => { resolve(count) }) })
  return { connections, channels: [...app.channels].length, resources: process.getActiveResourcesInfo().length, heap: process.memoryUsage().heapUsed }
}

async function obey (order: Order): Promise<void> {
  if (order === 'end') {
    await app.close()
    process.disconnect()
    return
  }
  if (order === 'collect') globalThis.gc?.()
  process.send?.(await holdings())
}

process.on('message', (order: Order) => { void obey(order) })
process.send?.((app.server.address() as AddressInfo).port)
