import { isIP } from 'node:net'

const IPV4_IN_IPV6 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i
const IPV4_WITH_PORT = /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/
/** Groups of an IPv6 address that name its network; the rest of them is its holder's to choose. */
const NETWORK_GROUPS = 4
const GROUPS = 8
/** What is counted together: proxies that are trusted pass on whatever text a client calls its address. */
const UNKNOWN = 'unknown'

/** What an address is counted under: itself, or of IPv6 the /64 network, of which one machine has every address. */
export function networkOf (address: string | undefined): string {
  // A request that was injected comes from nowhere.
  if (address === undefined) return ''
  const version = isIP(address)
  if (version === 4) return address
  if (version === 0) {
    // Some proxies add the port.
    const [, bare = ''] = IPV4_WITH_PORT.exec(address) ?? []
    return isIP(bare) === 4 ? bare : UNKNOWN
  }
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

/** The same text by itself: the engine keeps a part of a text, such as of a header or a URL, by keeping all of it. */
export function ownText (text: string): string {
  return Buffer.from(text).toString()
}
