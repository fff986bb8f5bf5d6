/** Characters of a path that routers of hosts take. */
const MAX_PATH_LENGTH = 100

/**
 * The URL of a connection with several channels: as many names as fit are in its path, the others in its query.
 * @param since the positions, in the order of the channels
 * @param query further parameters
 */
export function sharedUrl (base, channels, since, query) {
  let count = 1
  let length = channels[0].length
  while (count < channels.length && (length += 1 + channels[count].length) <= MAX_PATH_LENGTH) count++
  const parameters = new URLSearchParams({ ...count < channels.length && { channels: channels.slice(count).join(',') }, since: since.join(','), ...query })
  return `${base}/${channels.slice(0, count).join(',')}?${parameters}`
}
