import type { Readable } from 'node:stream'
import { BodyInvalidError } from '../errors.js'
import type { ByteBudget, Lease } from '../limits/byte-budget.js'

/** The overhead of a chunk in bytes, by which chunks count at least. */
const CHUNK_COST_BYTES = 64
const MAX_SMALL_CHUNKS = 4_096
const MIN_BODY_LIMIT = 16 * 1024 ** 2

/** Dependencies of {@link readBody}. */
export interface BodyReaderOptions {
  readonly budget: ByteBudget
  /** The address under which the body is counted. */
  readonly address: () => string
  /** Maximum length of the body in bytes. */
  readonly limit: number
  /** The declared length; `NaN` without one. */
  readonly contentLength: number
  /** The error for a longer body. */
  readonly tooLarge: () => Error
  /** Called once, with the body or an error. */
  readonly done: (error: Error | null, body?: Buffer) => void
}

/**
 * Reads a body. Fastify (5.12) keeps each chunk by itself: a chunk of one byte takes 200 bytes of memory, and no limit covers all
 * bodies together. Here a body is one buffer, and while it is incomplete part of a budget.
 */
export function readBody (payload: Readable, { budget, address, limit, contentLength, tooLarge, done }: BodyReaderOptions): void {
  if (contentLength > limit) { done(tooLarge()); return }
  let body: Buffer | undefined
  let length = 0
  let chunks = 0
  let lease: Lease | undefined

  const finish = (error: Error | null, whole?: Buffer): void => {
    payload.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose)
    lease?.close()
    body = undefined
    done(error, whole)
  }
  const onData = (data: Buffer | string): void => {
    // A hook of the host may have decoded it.
    const chunk = typeof data === 'string' ? Buffer.from(data) : data
    const before = length
    length += chunk.length
    if (length > limit) { finish(tooLarge()); return }
    if (++chunks > MAX_SMALL_CHUNKS && length < chunks * CHUNK_COST_BYTES) {
      // Discarding the rest would cost as much as reading it.
      payload.destroy()
      return
    }
    // Most bodies are one chunk.
    if (body === undefined) body = chunk
    else body = appended(body, before, chunk, Math.min(limit, Number.isNaN(contentLength) ? limit : contentLength))
    if (length === contentLength) return
    lease ??= budget.open(address(), (error) => { finish(error) })
    lease.resize(body.length)
  }
  const onEnd = (): void => {
    // A body that a hook of the host has decompressed carries its original length.
    const { receivedEncodedLength = length } = payload as Readable & { receivedEncodedLength?: number }
    if (!Number.isNaN(contentLength) && receivedEncodedLength !== contentLength)
      finish(new BodyInvalidError('its length differs from Content-Length'))
    else finish(null, body === undefined ? Buffer.alloc(0) : body.subarray(0, length))
  }
  const onError = (): void => { finish(new BodyInvalidError('it is incomplete')) }
  const onClose = onError

  payload.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose)
  payload.resume()
}

/** The body with a chunk after its first `length` bytes; in a buffer of twice the size where there is no room. */
function appended (body: Buffer, length: number, chunk: Buffer, most: number): Buffer {
  const needed = length + chunk.length
  let buffer = body
  if (needed > body.length) {
    buffer = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(most, 2 * body.length)))
    body.copy(buffer, 0, 0, length)
  }
  chunk.copy(buffer, length)
  return buffer
}

/** Maximum length of the body of a batch in bytes. */
export function maxBodyBytes (maxMessageBytes: number): number {
  return Math.max(MIN_BODY_LIMIT, 2 * maxMessageBytes)
}
