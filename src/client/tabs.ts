import { type Follower, group } from './group.js'
import type { Add } from './sharing.js'
import type { Member } from './subscription.js'

const groups: Record<string, ReturnType<typeof group>> = {}

/** Takes the subscriptions of this tab that share a connection with those of other tabs; not where the browser has no means for it. */
export const tabs: Add = (member) => {
  const { _key: [server,, ...rest], _drop } = member as Partial<Member> & Pick<Member, '_key'>
  const { navigator, BroadcastChannel } = globalThis as { navigator?: { locks?: unknown }, BroadcastChannel?: unknown }
  const fits = !_drop && (rest[2] as { trim?: () => string }).trim?.() && navigator?.locks && BroadcastChannel
  if (fits) {
    const name = JSON.stringify([server, rest]);
    (groups[name] ??= group(name, member._key))(member as Follower)
  }
  return !!fits
}
