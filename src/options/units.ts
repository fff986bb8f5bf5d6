import { Type } from '@sinclair/typebox'

export const MINUTE_MS = 60_000
export const DAY_MS = 86_400_000

/** The largest number of bytes that an option takes. */
export const MAX_BYTES = 2 ** 40

/** RFC 6750 would allow fewer characters. A comma separates tokens in the environment, white space ends one in a header. */
export const Token = Type.String({ pattern: '^[!-+\\--~]+$', minLength: 1, maxLength: 1_024 })
