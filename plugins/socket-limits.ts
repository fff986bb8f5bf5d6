import type { Server } from 'node:http'
import { BlockList, type Socket } from 'node:net'
import { networkOf } from '../src/limits/address.js'
import type { LimitCounters } from '../src/limits/limit-counters.js'

const ADDRESS = Symbol('address')
/** Networks that Fastify's `trustProxy` has names for. */
const NAMED: Partial<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.1/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']
}

type Counted = Socket & { [ADDRESS]?: string }

/** What {@link limitSockets} works with. */
export interface SocketLimits {
  /** Connections from one address. */
  readonly maxSocketsPerAddress: number
  /** Proxies, whose connections are those of many: addresses, networks and names as Fastify's `trustProxy` takes them, or all. */
  readonly trustProxy: boolean | readonly string[]
  readonly counters: () => LimitCounters
}

/** Ends connections of an address that has as many as one may have, before a byte of them is read. Counts all of a server. */
export function limitSockets (server: Server, { maxSocketsPerAddress, trustProxy, counters }: SocketLimits): void {
  const counts = new Map<string, number>()
  const proxies = proxiesOf(trustProxy)

  // One listener for all; it is called with the socket.
  function leave (this: Counted): void {
    const address = this[ADDRESS] as string
    const left = (counts.get(address) as number) - 1
    if (left === 0) counts.delete(address)
    else counts.set(address, left)
  }

  server.on('connection', (socket: Counted) => {
    // Connections begin once more where an upgrade is ignored, and those of a proxy are not its own.
    if (socket[ADDRESS] !== undefined || socket.remoteAddress === undefined || proxies(socket)) return
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

function proxiesOf (trustProxy: SocketLimits['trustProxy']): (socket: Socket) => boolean {
  if (typeof trustProxy === 'boolean') return () => trustProxy
  const list = new BlockList()
  for (const proxy of trustProxy.flatMap((name) => NAMED[name] ?? name)) {
    const [address = '', bits] = proxy.split('/')
    const family = address.includes(':') ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return ({ remoteAddress = '', remoteFamily }) => list.check(remoteAddress, remoteFamily === 'IPv6' ? 'ipv6' : 'ipv4')
}
