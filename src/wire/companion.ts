/**
 * The suffix of the companion of a channel: the channel that carries the changes of its members. It does not count towards the
 * length of the name.
 */
const SUFFIX = '~presence'

/** Whether a name is that of a companion. */
export function isCompanion (name: string): boolean {
  return name.endsWith(SUFFIX)
}

/** The companion of a channel. */
export function companionOf (channel: string): string {
  return channel + SUFFIX
}

/** The channel of a companion; any other name itself. The right to subscribe to it is the right to subscribe to its companion. */
export function channelOf (name: string): string {
  return isCompanion(name) ? name.slice(0, -SUFFIX.length) : name
}
