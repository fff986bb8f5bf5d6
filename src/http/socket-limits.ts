import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { networkOf } from '../limits/address.js'
import type { LimitCounters } from '../limits/limit-counters.js'
import { proxyTrust } from './proxies.js'

const ADDRESS = Symbol('address')

type Counted = Socket & { [ADDRESS]?: string }

/** Dependencies of {@link limitSockets}. */
export interface SocketLimits {
  /** Connections from one address. */
  readonly maxSocketsPerAddress: number
  /** Proxies, whose connections belong to many clients: addresses, networks and names as in Fastify's `trustProxy`, or all. */
  readonly trustProxy: boolean | readonly string[]
  readonly counters: () => LimitCounters
}

/** Ends connections of an address beyond the limit before a byte of them is read. Counts all connections of a server. */
export function limitSockets (server: Server, { maxSocketsPerAddress, trustProxy, counters }: SocketLimits): void {
  const counts = new Map<string, number>()
  const isProxy = typeof trustProxy === 'boolean' ? () => trustProxy : proxyTrust(trustProxy)

  // One listener for all sockets, with the socket as `this`.
  function leave (this: Counted): void {
    const address = this[ADDRESS] as string
    const left = (counts.get(address) as number) - 1
    if (left === 0) counts.delete(address)
    else counts.set(address, left)
  }

  server.on('connection', (socket: Counted) => {
    // Connections of a proxy are not its own.
    if (socket.remoteAddress === undefined || isProxy(socket.remoteAddress)) return
    const address = networkOf(socket.remoteAddress)
    const count = counts.get(address) ?? 0
    if (count >= maxSocketsPerAddress) {
      counters().hit('maxSocketsPerAddress')
      socket.destroy()
      return
    }
    counts.set(address, count + 1)
    socket[ADDRESS] = address
    socket.on('close', leave)
  })
  server.on('drop', () => { counters().hit('maxConnections') })
}
