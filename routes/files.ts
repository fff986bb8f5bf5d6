import fastifyStatic from '@fastify/static'
import type { FastifyPluginAsync } from 'fastify'
import { publicDirectory, publicFiles } from '../src/public-files.js'
import { refusePath } from '../src/transports/refuse-websocket.js'

/** Options of this route. */
export interface FilesRouteOptions {
  /** Whether `/` is taken; it shows the page where a newcomer tries the service. */
  page: boolean
}

/** The files of `public/`, each under its own path, so that no wildcard stands in the way of channels. */
const files: FastifyPluginAsync<FilesRouteOptions> = async (fastify, { page }) => {
  await fastify.register(fastifyStatic, { root: publicDirectory, serve: false })

  const serve = (url: string, file: string): void => {
    fastify.route({
      method: 'GET',
      url,
      handler: async (_request, reply) => {
        // Scripts of other origins load the client as a module, too.
        reply.header('access-control-allow-origin', '*').header('cross-origin-resource-policy', 'cross-origin')
        return await reply.sendFile(file)
      },
      wsHandler: refusePath
    })
  }

  for (const file of publicFiles()) {
    if (page || file.startsWith('client.')) serve(`/${file}`, file)
  }
  if (page) serve('/', 'index.html')

  // A WebSocket at no channel's path is told so. Without a prefix the rest of the paths is the host's.
  const rest = page ? ['/*'] : fastify.prefix === '' ? [] : ['/', '/*']
  for (const url of rest) {
    fastify.route({
      method: 'GET',
      url,
      handler: async (_request, reply) => { reply.callNotFound(); return await reply },
      wsHandler: refusePath
    })
  }
}

export default files
