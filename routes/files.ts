import fastifyStatic from '@fastify/static'
import type { FastifyPluginAsync } from 'fastify'
import { pathOf, withoutToken } from '../src/access/redact.js'
import { NotFoundError } from '../src/errors.js'
import { publicDirectory, publicFiles } from '../src/public-files.js'
import { refusePath } from '../src/transports/refuse-websocket.js'

/** Options of this route. */
export interface FilesRouteOptions {
  /** Whether `/` is taken by the page where a newcomer tries the service. */
  page: boolean
}

/** The client, each of its files under its own path, so that no wildcard stands in the way of channels; and what is at no channel's. */
const files: FastifyPluginAsync<FilesRouteOptions> = async (fastify, { page }) => {
  await fastify.register(fastifyStatic, { root: publicDirectory, serve: false })

  const serve = (url: string, file: string): void => {
    fastify.route({
      method: 'GET',
      url,
      handler: async (request, reply) => {
        // Pages of other origins load the client: as a module only where they may read it.
        fastify.origins.share(request, reply)
        reply.header('cross-origin-resource-policy', 'cross-origin')
        return await reply.sendFile(file)
      },
      wsHandler: refusePath
    })
  }

  for (const file of publicFiles()) {
    if (isClient(file)) serve(`/${file}`, file)
  }

  // A WebSocket at no channel's path is told so. Without a prefix the rest of the paths is the host's.
  const rest = page ? ['/*'] : fastify.prefix === '' ? [] : ['/', '/*']
  for (const url of rest) {
    fastify.route({
      method: 'GET',
      url,
      handler: async (request, reply) => {
        // The host's answer writes the URL to the log.
        if (withoutToken(request.url) !== request.url) throw new NotFoundError(request.method, pathOf(request.url))
        reply.callNotFound()
        return await reply
      },
      wsHandler: refusePath
    })
  }
}

export default files

function isClient (file: string): boolean {
  return file.startsWith('client.')
}
