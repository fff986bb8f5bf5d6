import { Type, type FastifyPluginAsyncTypebox, type Static } from '@fastify/type-provider-typebox'
import { OWN_ROUTE } from '../src/http/own-route.js'
import { maxBodyBytes } from '../src/http/body-reader.js'
import type { BatchEntry, BatchResult } from '../src/channels/publisher.js'
import { BatchInvalidError, errorBody } from '../src/errors.js'
import { MAX_ENTRIES } from '../src/wire/body.js'
import { idempotencyKeyOf } from '../src/http/idempotency-key.js'

const Entry = Type.Object({ channel: Type.String(), message: Type.Unknown(), idempotencyKey: Type.Optional(Type.String()) })
const Body = Type.Object({
  messages: Type.Optional(Type.Array(Entry, { maxItems: MAX_ENTRIES })),
  channels: Type.Optional(Type.Array(Type.String(), { maxItems: MAX_ENTRIES })),
  message: Type.Optional(Type.Unknown())
})

/** Options of this route. */
export interface SendBatchRouteOptions {
  /** Largest message, in bytes of JSON. */
  maxMessageBytes: number
}

/** `POST /send`: a backend publishes several messages, or one to several channels, in one request. */
const sendBatch: FastifyPluginAsyncTypebox<SendBatchRouteOptions> = async (fastify, { maxMessageBytes }) => {
  fastify.post('/send', {
    ...OWN_ROUTE,
    onRequest: fastify.verifyPublisher,
    bodyLimit: maxBodyBytes(maxMessageBytes),
    schema: { body: Body }
  }, async (request) => {
    const { headers, body } = request
    const entries = entriesOf(body, idempotencyKeyOf(headers))
    fastify.assertMaySend(request, entries.map(({ channel }) => channel))
    const results = await fastify.channels.publishAll(entries)
    for (const result of results) if ('error' in result) fastify.journal.refused(result.error.code, undefined, result.channel)
    return { status: 'Messages sent', results: results.map(resultBody) }
  })
}

export default sendBatch

function entriesOf ({ messages, channels, message }: Static<typeof Body>, idempotencyKey: string | undefined): readonly BatchEntry[] {
  if ((messages === undefined) === (channels === undefined))
    throw new BatchInvalidError('send {"messages":[{"channel","message"},…]} or {"channels":[…],"message":…}')
  if (channels !== undefined) return channels.map((channel) => ({ channel, message, idempotencyKey }))
  if (idempotencyKey !== undefined) throw new BatchInvalidError('give each entry an idempotencyKey of its own instead of the header')
  return messages as BatchEntry[]
}

function resultBody (result: BatchResult): object {
  return 'error' in result ? { channel: result.channel, error: errorBody(result.error) } : result
}
