const IPV4_IN_IPV6 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i
/** Groups of an IPv6 address that name its network; the rest of them is its holder's to choose. */
const NETWORK_GROUPS = 4
const GROUPS = 8

const IPV4_AND_PORT = /^(\d+\.\d+\.\d+\.\d+):\d+$/
const IPV6_IN_BRACKETS = /^\[([^\]]*)\](?::\d+)?$/

/** An address as it is in `X-Forwarded-For`, where some proxies add the port: without it, which is another one for each connection. */
export function withoutPort (address: string): string {
  const [, bare] = IPV4_AND_PORT.exec(address) ?? IPV6_IN_BRACKETS.exec(address) ?? []
  return bare ?? address
}

/** What an address is counted under: itself, or of IPv6 the /64 network, of which one machine has every address. */
export function networkOf (given: string | undefined): string {
  // A request that was injected, or that came through a unix socket, comes from nowhere.
  if (given === undefined) return ''
  const address = given.includes(':') ? withoutPort(given) : given
  if (!address.includes(':')) return address
  const [, embedded] = IPV4_IN_IPV6.exec(address) ?? []
  if (embedded !== undefined) return embedded
  const [before = '', after] = address.split('::')
  const groups = before === '' ? [] : before.split(':')
  if (after !== undefined) {
    const rest = after === '' ? [] : after.split(':')
    groups.push(...Array<string>(Math.max(0, GROUPS - groups.length - rest.length)).fill('0'), ...rest)
  }
  return `${groups.slice(0, NETWORK_GROUPS).map((group) => group.replace(/^0+(?=.)/, '').toLowerCase()).join(':')}::/64`
}
