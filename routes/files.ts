import fastifyStatic from '@fastify/static'
import type { FastifyPluginAsync } from 'fastify'
import { OWN_ROUTE } from '../src/http/own-route.js'
import { publicDirectory, publicFiles } from '../src/public-files.js'

/** The files of the client, each under its own path, so that no wildcard shadows channels. */
const files: FastifyPluginAsync = async (fastify) => {
  await fastify.register(fastifyStatic, { root: publicDirectory, serve: false })

  for (const file of publicFiles()) {
    if (!file.startsWith('client.')) continue
    fastify.route({
      ...OWN_ROUTE,
      method: 'GET',
      url: `/${file}`,
      handler: async (request, reply) => {
        // Pages of other origins load the client, as a module only with CORS headers.
        fastify.origins.share(request, reply, 'subscribe')
        reply.header('cross-origin-resource-policy', 'cross-origin')
        return await reply.sendFile(file)
      }
    })
  }
}

export default files
