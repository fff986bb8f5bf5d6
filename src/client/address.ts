import type { Member } from './subscription.js'

/**
 * The URL of several subscriptions; names beyond the 100 characters that a path may have follow in the query. Lists
 * become text with commas between their members.
 */
export const address = (server: string, members: Member[]): string => {
  const [, path, channels] = /^(.{0,100})(?:,|$)(.*)/.exec(members.map(({ channel }) => channel) as unknown as string) as unknown as [string, string, string]
  return `${server + path}?${new URLSearchParams({ since: members.map(({ since }) => since) as unknown as string, ...channels && { channels } }) as unknown as string}`
}
