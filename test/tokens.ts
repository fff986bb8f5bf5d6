import { createHmac, generateKeyPairSync, type KeyObject, type KeyPairKeyObjectResult, sign } from 'node:crypto'

/** A secret for HS256, as long as one must be, and another one. */
export const SECRET = 'a-secret-of-thirty-two-characters'
export const OTHER_SECRET = 'another-secret-that-is-long-enough'

const GENERATORS = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2_048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519')
}
const made = new Map<string, KeyPairKeyObjectResult>()

function keysOf (alg: keyof typeof GENERATORS): KeyPairKeyObjectResult {
  const keys = made.get(alg) ?? GENERATORS[alg]()
  made.set(alg, keys)
  return keys
}

/** A pair of keys for each algorithm with public keys; made when it is asked for, which takes its time. */
export const KEYS = {
  get RS256 (): KeyPairKeyObjectResult { return keysOf('RS256') },
  get ES256 (): KeyPairKeyObjectResult { return keysOf('ES256') },
  get EdDSA (): KeyPairKeyObjectResult { return keysOf('EdDSA') }
}

/** A public key as PEM. */
export function pem (key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString()
}

/** The claims of a token; `undefined` leaves one out. */
export type Claims = Record<string, unknown>

/** How a token is signed. */
export interface JwtOptions {
  alg?: string
  key?: string | KeyObject
  /** Further fields of the header. */
  header?: Record<string, unknown>
}

/** A token as RFC 7515 has it, made without the library that checks it. */
export function jwt (claims: unknown, { alg = 'HS256', key = alg in KEYS ? KEYS[alg as keyof typeof KEYS].privateKey : SECRET, header = {} }: JwtOptions = {}): string {
  const input = [{ alg, typ: 'JWT', ...header }, claims].map(segment).join('.')
  return `${input}.${signature(alg, input, key).toString('base64url')}`
}

/** The time as claims have it, some seconds from now. */
export function seconds (fromNow: number): number {
  return Math.floor(Date.now() / 1_000) + fromNow
}

/** A token of a subscriber to every channel that is good for an hour. */
export function goodJwt (claims: Claims = {}, options?: JwtOptions): string {
  return jwt({ subscribe: ['*'], exp: seconds(3_600), ...claims }, options)
}

/** A token that is good for everything, for an hour. */
export function token (claims: Claims = {}, key = SECRET): string {
  return goodJwt({ send: ['*'], iat: seconds(0), ...claims }, { key })
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

function signature (alg: string, input: string, key: string | KeyObject): Buffer {
  if (typeof key === 'string') return createHmac(alg.replace('HS', 'sha'), key).update(input).digest()
  const data = Buffer.from(input)
  if (alg === 'EdDSA') return sign(null, data, key)
  return sign(alg.replace(/^[A-Z]+/, 'sha'), data, alg.startsWith('ES') ? { key, dsaEncoding: 'ieee-p1363' } : key)
}
