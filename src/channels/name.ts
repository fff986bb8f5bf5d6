/** 1–100 characters; the first is a letter, a digit or `_`. Nothing in it needs escaping in JSON. */
const CHANNEL_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.:@=+~-]{0,99}$/

/** The regular expression above as a text, for schemas and manuals. */
export const CHANNEL_NAME_PATTERN = CHANNEL_NAME.source

/** What probes and browsers ask every server for, whatever it is. */
export const ASKED_EVERYWHERE: ReadonlySet<string> = new Set(['favicon.ico', 'robots.txt', 'healthz', 'livez', 'readyz'])

/** What an error says of a value that is to name a channel, whatever it is. */
export function shown (name: unknown): string {
  return typeof name === 'string' ? JSON.stringify(name) : name === null ? 'null' : typeof name
}

/** Says whether `name` follows the rule for channel names. Does not know which names are reserved. */
export function isChannelName (name: string): boolean {
  return CHANNEL_NAME.test(name)
}
