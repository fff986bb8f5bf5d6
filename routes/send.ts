import type { IncomingHttpHeaders } from 'node:http'
import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { idempotencyKeyOf } from '../src/http/idempotency-key.js'
import { goneSignal, keepOpen, type Response } from '../src/http/keep-open.js'
import { OWN_ROUTE } from '../src/http/own-route.js'
import { preferredWaitMs } from '../src/http/prefer.js'
import { CHANNEL_NAME_PATTERN } from '../src/channels/name.js'

const SECOND_MS = 1_000
/** Room in a body for the text around the message. */
const ENVELOPE_BYTES = 1_024

const ChannelName = Type.String({ pattern: CHANNEL_NAME_PATTERN })
const Body = Type.Object({ message: Type.Unknown() })
const Count = Type.Optional(Type.Integer())
const Sent = Type.Object({
  status: Type.Literal('Message sent'),
  id: Type.String(),
  subscribers: Type.Integer(),
  duplicate: Type.Optional(Type.Literal(true)),
  received: Count,
  silent: Count,
  unable: Count,
  latencyMs: Type.Optional(Type.Object({ p50: Type.Number(), max: Type.Number() }))
})

/** Options of this route. */
export interface SendRouteOptions {
  /** Largest message, in bytes of JSON. */
  maxMessageBytes: number
}

/** `POST /send/:channel`: a backend publishes a message. */
const send: FastifyPluginAsyncTypebox<SendRouteOptions> = async (fastify, { maxMessageBytes }) => {
  // The wildcard matches paths that the router refuses as a parameter: no name, several segments, or more characters than it
  // allows before decoding. All but the last are answered with the rule for names.
  for (const name of ['channel', '*']) {
    fastify.post(name === '*' ? '/send/*' : '/send/:channel', {
      ...OWN_ROUTE,
      onRequest: fastify.verifyPublisher,
      bodyLimit: maxMessageBytes + ENVELOPE_BYTES,
      schema: { params: Type.Record(Type.Literal(name), ChannelName), body: Body, response: { 200: Sent } }
    }, async (request, reply) => {
      const { params, headers, body } = request
      const channel = params[name] as string
      fastify.assertMaySend(request, [channel])
      const wait = waitOf(headers, reply.raw)
      const publication = await fastify.publisher.publish(channel, body.message, { idempotencyKey: idempotencyKeyOf(headers), ...wait })
      if (wait !== undefined && publication.received !== undefined) reply.header('preference-applied', `wait=${wait.waitMs / SECOND_MS}`)
      return { status: 'Message sent' as const, ...publication }
    })
  }
}

export default send

/** The wait for receipts that a request prefers. It ends with the connection. */
function waitOf (headers: IncomingHttpHeaders, response: Response): { waitMs: number, signal: AbortSignal } | undefined {
  const waitMs = preferredWaitMs(headers)
  if (waitMs === undefined) return undefined
  response.once('close', keepOpen(response))
  return { waitMs, signal: goneSignal(response) }
}
