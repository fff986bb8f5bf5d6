import helmet from '@fastify/helmet'
import fastifyStatic from '@fastify/static'
import type { FastifyPluginAsync } from 'fastify'
import { OWN_ROUTE } from '../src/http/own-route.js'
import { publicDirectory, publicFiles } from '../src/public-files.js'

/** The page where a newcomer tries the service, at `/`, and the files that it is made of. */
const page: FastifyPluginAsync = async (fastify) => {
  await fastify.register(fastifyStatic, { root: publicDirectory, serve: false })
  await fastify.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'none'"],
        'script-src': ["'self'"],
        'style-src': ["'self'"],
        // Its icon stands in the page itself.
        'img-src': ["'self'", 'data:'],
        // Not all browsers take WebSockets of the page's own host for its own.
        'connect-src': ["'self'", 'ws:', 'wss:'],
        'base-uri': ["'none'"],
        'form-action': ["'none'"],
        'frame-ancestors': ["'none'"]
      }
    },
    // That a host is only to be reached by TLS is for whoever ends TLS to say.
    strictTransportSecurity: false
  })

  const serve = (url: string, file: string): void => {
    fastify.route({ ...OWN_ROUTE, method: 'GET', url, handler: async (_request, reply) => await reply.sendFile(file) })
  }
  for (const file of publicFiles()) if (!file.startsWith('client.')) serve(`/${file}`, file)
  serve('/', 'index.html')
}

export default page
