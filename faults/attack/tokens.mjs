// The credentials that the service accepts, and tokens made of them.
import { createHmac } from 'node:crypto'

export const TOKEN = 'token-of-the-operator'
export const TOKEN_SECRET = 'a-secret-that-is-known-to-the-attackers-backend'

function part (value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** A token that is valid for ten minutes. */
export function jwt (claims) {
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ exp: Math.floor(Date.now() / 1_000) + 600, ...claims })}`
  return `${signed}.${createHmac('sha256', TOKEN_SECRET).update(signed).digest('base64url')}`
}
