import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { queryInvalid } from '../src/http/error-reply.js'
import { OWN_ROUTE } from '../src/http/own-route.js'

const Query = Type.Object({
  prefix: Type.Optional(Type.String({ maxLength: 200 })),
  limit: Type.Optional(Type.String({ pattern: '^[0-9]{1,9}$' }))
})
const List = Type.Object({
  channels: Type.Array(Type.Object({ channel: Type.String(), subscribers: Type.Integer() })),
  more: Type.Boolean()
})

/** `GET /-/channels`: the operator lists the channels that have subscribers on any instance. */
const channels: FastifyPluginAsyncTypebox = async (fastify) => {
  fastify.route({
    ...OWN_ROUTE,
    method: 'GET',
    url: '/-/channels',
    onRequest: fastify.verifyOperator,
    schema: { querystring: Query, response: { 200: List } },
    schemaErrorFormatter: queryInvalid,
    handler: async ({ query: { prefix, limit } }, reply) => {
      reply.header('cache-control', 'no-store')
      const { channels, more } = await fastify.directory.list({ prefix, limit: limit === undefined ? undefined : Number(limit) })
      return { channels: [...channels], more }
    }
  })
}

export default channels
