import { ownText } from '../wire/text.js'

const IPV4_IN_IPV6 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i
const IPV4 = /^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$/
const IPV6 = /^(?=.*:.*:)[0-9A-Fa-f:]{2,39}$/
const GROUP = /^[0-9A-Fa-f]{1,4}$/
/** Groups of an IPv6 address that identify its network; its holder chooses the rest. */
const NETWORK_GROUPS = 4
const GROUPS = 8
const MAX_BYTE = 255
/** The key of invalid addresses: trusted proxies may pass on any text of a client as its address. */
const UNKNOWN = 'unknown'

const IPV4_AND_PORT = /^(\d+\.\d+\.\d+\.\d+):\d+$/
const IPV6_IN_BRACKETS = /^\[([^\]]*)\](?::\d+)?$/

/** An address of `X-Forwarded-For` without the port that some proxies add, a different one for each connection. */
export function withoutPort (address: string): string {
  const [, bare] = IPV4_AND_PORT.exec(address) ?? IPV6_IN_BRACKETS.exec(address) ?? []
  return bare ?? address
}

/** The last results of {@link networkOf}: a connection needs its own several times. */
const networks = new Map<string, string>()
const MAX_NETWORKS = 1_000
/** An IPv6 address in brackets, with a zone and a port. */
const MAX_LENGTH = 70

/** The key under which an address is counted: itself, or for IPv6 the /64 network, whose addresses are all of one machine. */
export function networkOf (address: string | undefined): string {
  // Requests that are injected or come through a unix socket have no address.
  if (address === undefined) return ''
  // Behind a trusted proxy an address is any text of a client.
  if (address.length > MAX_LENGTH) return parseNetwork(address)
  let network = networks.get(address)
  if (network === undefined) {
    network = ownText(parseNetwork(address))
    if (networks.size >= MAX_NETWORKS) networks.clear()
    networks.set(ownText(address), network)
  }
  return network
}

function parseNetwork (address: string): string {
  const bare = withoutPort(address)
  const [, embedded] = IPV4_IN_IPV6.exec(bare) ?? []
  const ipv4 = embedded ?? bare
  if (IPV4.test(ipv4)) return ipv4.split('.').every((part) => Number(part) <= MAX_BYTE) ? ipv4 : UNKNOWN
  // The zone is not part of the network.
  const [text = ''] = bare.split('%', 1)
  if (!IPV6.test(text)) return UNKNOWN
  const [before = '', after, ...more] = text.split('::')
  const groups = before === '' ? [] : before.split(':')
  if (after !== undefined) {
    const rest = after === '' ? [] : after.split(':')
    groups.push(...Array<string>(Math.max(0, GROUPS - groups.length - rest.length)).fill('0'), ...rest)
  }
  if (more.length > 0 || groups.length !== GROUPS || !groups.every((group) => GROUP.test(group))) return UNKNOWN
  return `${groups.slice(0, NETWORK_GROUPS).map((group) => group.replace(/^0+(?=.)/, '').toLowerCase()).join(':')}::/64`
}
