// Depends on nothing but `fetch`: it runs in Node.js, Deno, Bun and workers.
import { Publisher } from './publisher.js'
import type { PublisherOptions } from './options.js'

/**
 * Creates a publisher, which packs the messages of one tick into one request, repeats what was not confirmed with the same idempotency
 * key, and keeps the order of each channel. Throws a TypeError for an invalid option.
 */
export function createPublisher (options: PublisherOptions): Publisher {
  return new Publisher(options)
}

export type { Publisher } from './publisher.js'
export type { Publication } from './answer.js'
export type { PublisherOptions, PublishOptions, RetryEvent, Token } from './options.js'
export { PublishError, PublisherCode } from './errors.js'
export { RawJson } from './message-text.js'
