import { type Follower, group } from './group.js'
import type { Add } from './sharing.js'

const groups: Record<string, ReturnType<typeof group>> = {}

/** Takes the subscriptions of this tab that share a connection with those of other tabs; not where the browser has no means for it. */
export const tabs: Add = (member) => {
  const { _key, _asked } = member
  const [server,, ...rest] = _key
  const { navigator, BroadcastChannel } = globalThis
  const fits = _asked === undefined && (rest[2] as string).trim?.() && navigator?.locks && BroadcastChannel
  if (fits) {
    const name = JSON.stringify([server, rest]);
    (groups[name] ??= group(name, _key))(member as Follower)
  }
  return fits as unknown as boolean
}
