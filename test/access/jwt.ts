import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/** A secret for HS256, and another one. */
export const SECRET = 'a-secret-of-thirty-two-characters'
export const OTHER_SECRET = 'another-secret-that-is-long-enough'

/** A pair of keys for each algorithm with public keys. */
export const KEYS = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2_048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519')
}

/** A public key as PEM. */
export function pem (key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString()
}

/** How a token is signed. */
export interface JwtOptions {
  alg?: string
  key?: string | KeyObject
  /** Further fields of the header. */
  header?: Record<string, unknown>
}

/** A token as RFC 7515 has it, made without the library that checks it. */
export function jwt (claims: unknown, { alg = 'HS256', key = alg in KEYS ? KEYS[alg as keyof typeof KEYS].privateKey : SECRET, header = {} }: JwtOptions = {}): string {
  const input = [{ alg, typ: 'JWT', ...header }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${input}.${signature(alg, input, key).toString('base64url')}`
}

/** The time as claims have it, some seconds from now. */
export function seconds (fromNow: number): number {
  return Math.floor(Date.now() / 1_000) + fromNow
}

/** A token that is good for an hour. */
export function goodJwt (claims: Record<string, unknown> = {}, options?: JwtOptions): string {
  return jwt({ subscribe: ['*'], exp: seconds(3_600), ...claims }, options)
}

function signature (alg: string, input: string, key: string | KeyObject): Buffer {
  if (typeof key === 'string') return createHmac(alg.replace('HS', 'sha'), key).update(input).digest()
  const data = Buffer.from(input)
  if (alg === 'EdDSA') return sign(null, data, key)
  return sign(alg.replace(/^[A-Z]+/, 'sha'), data, alg.startsWith('ES') ? { key, dsaEncoding: 'ieee-p1363' } : key)
}
