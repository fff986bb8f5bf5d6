import { BlockList, isIP } from 'node:net'
import { withoutPort } from '../limits/address.js'

/** The names of networks in Fastify's `trustProxy`. */
const NETWORKS: Record<string, readonly string[] | undefined> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']
}
/** Clients of a unix socket are on this machine. */
const LOCAL = '127.0.0.1'

/**
 * Returns a function that tells whether an address, with or without a port, is that of a trusted proxy. Some proxies add ports in
 * `X-Forwarded-For`.
 *
 * @param proxies addresses, networks such as `10.0.0.0/8`, `loopback`, `linklocal`, `uniquelocal`
 */
export function proxyTrust (proxies: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList()
  for (const text of proxies.flatMap((name) => NETWORKS[name] ?? [name])) {
    const [address = '', bits] = text.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    list.addSubnet(address, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family)
  }
  return (given) => {
    const address = given === undefined || given === '' ? LOCAL : withoutPort(given)
    const version = isIP(address)
    return version > 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4')
  }
}
