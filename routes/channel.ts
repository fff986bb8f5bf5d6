import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { OWN_ROUTE } from '../src/http/own-route.js'

/** `GET /-/channels/:channel`: the operator asks for the subscribers and members of a channel. */
const channel: FastifyPluginAsyncTypebox = async (fastify) => {
  // The wildcard matches names that are too long for the router before they are decoded.
  for (const name of ['channel', '*']) {
    fastify.route({
      ...OWN_ROUTE,
      method: 'GET',
      url: `/-/channels/${name === '*' ? '*' : ':channel'}`,
      onRequest: fastify.verifyOperator,
      schema: { params: Type.Record(Type.Literal(name), Type.String()) },
      handler: async ({ params }, reply) => {
        reply.header('cache-control', 'no-store')
        return await fastify.directory.members(params[name] as string)
      }
    })
  }
}

export default channel
