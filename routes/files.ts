import fastifyStatic from '@fastify/static'
import type { FastifyPluginAsync } from 'fastify'
import { OWN_ROUTE } from '../src/http/own-route.js'
import { isClient, publicDirectory, servedFiles } from '../src/public-files.js'

/** Milliseconds; the longest that caches heed. */
const A_YEAR = 365 * 24 * 60 * 60 * 1_000

/** The files of the client, each under paths of its own, so that no wildcard shadows channels. */
const files: FastifyPluginAsync = async (fastify) => {
  await fastify.register(fastifyStatic, { root: publicDirectory, serve: false })

  for (const [name, { file, immutable }] of servedFiles()) {
    if (!isClient(file)) continue
    fastify.route({
      ...OWN_ROUTE,
      method: 'GET',
      url: `/${name}`,
      handler: async (request, reply) => {
        // Pages of other origins load the client, as a module only with CORS headers.
        fastify.origins.share(request, reply, 'subscribe')
        reply.header('cross-origin-resource-policy', 'cross-origin')
        return await reply.sendFile(file, immutable ? { maxAge: A_YEAR, immutable } : {})
      }
    })
  }
}

export default files
