import type { FastifyError } from '@fastify/error'
import { ClosedError, type RateLimitedError } from '../errors.js'
import { Close, closeCodeOf } from '../wire/close.js'
import type { Refusal } from '../wire/events.js'

const SECOND_MS = 1_000

/** The refusal that an error stands for. */
export function refusalOf (error: FastifyError & Partial<Pick<RateLimitedError, 'retryAfter'>>): Refusal {
  const { code, message, statusCode, retryAfter } = error
  const close = error instanceof ClosedError ? Close.RESTART : closeCodeOf(statusCode)
  return { code, message, close, retry: retryAfter === undefined ? undefined : retryAfter * SECOND_MS }
}
