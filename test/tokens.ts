import { createHmac } from 'node:crypto'

/** A secret for tokens, as long as one must be. */
export const SECRET = 'a-secret-of-thirty-two-characters'

/** The claims of a token; by default it is good for every channel and for an hour. */
export type Claims = Record<string, unknown>

/** A token with these claims, `undefined` leaving one out, signed with HS256. */
export function token (claims: Claims = {}, key = SECRET): string {
  const now = Date.now() / 1_000
  const input = `${segment({ alg: 'HS256', typ: 'JWT' })}.${segment({ subscribe: ['*'], send: ['*'], iat: Math.floor(now), exp: now + 3_600, ...claims })}`
  return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`
}

/** A token that ends so many milliseconds from now. */
export function shortToken (ms: number, claims: Claims = {}): string {
  return token({ exp: (Date.now() + ms) / 1_000, ...claims })
}

/** A part of a token, as it stands there. */
export function segment (value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** The headers of a request that brings a token along. */
export function bearer (text: string): { authorization: string } {
  return { authorization: `Bearer ${text}` }
}
