/** 1–100 characters; the first is a letter, a digit or `_`. Nothing in it needs escaping in JSON. */
const CHANNEL_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.:@=+~-]{0,99}$/

/** The regular expression above as a text, for schemas and manuals. */
export const CHANNEL_NAME_PATTERN = CHANNEL_NAME.source

/** Says whether `name` follows the rule for channel names. Does not know which names are reserved. */
export function isChannelName (name: string): boolean {
  return CHANNEL_NAME.test(name)
}
