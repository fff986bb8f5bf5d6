/** Absent in workers and when a server renders the page. */
export const page = (globalThis as { document?: Document }).document

// Only known while the script tag's own code runs.
const script = page?.currentScript

/** The channel's URL with an `http:` or `https:` scheme. Throws a `TypeError` when the server is not a web address. */
export const channelUrl = (channel: string, server: string | undefined): string => {
  const { origin, pathname } = new URL(server || script?.dataset['server'] || '/', location.href)
  if (!/^(http|ws)/.test(origin)) throw new TypeError('server must be an http(s) or ws(s) URL, or a path')
  return origin.replace(/^ws/, 'http') + pathname.replace(/\/*$/, '/') + encodeURIComponent(channel)
}
