import type { IncomingHttpHeaders } from 'node:http'

/** The value of `Idempotency-Key`, if any, as it was sent. */
export function idempotencyKeyOf (headers: IncomingHttpHeaders): string | undefined {
  const key = headers['idempotency-key']
  return typeof key === 'string' ? key : undefined
}
