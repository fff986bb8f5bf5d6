import helmet from '@fastify/helmet'
import fastifyStatic from '@fastify/static'
import type { FastifyPluginAsync } from 'fastify'
import { OWN_ROUTE } from '../src/http/own-route.js'
import { isClient, publicDirectory, publicFiles } from '../src/public-files.js'

/** The console, the page at `/`, and its files. */
const page: FastifyPluginAsync = async (fastify) => {
  await fastify.register(fastifyStatic, { root: publicDirectory, serve: false })
  await fastify.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'none'"],
        'script-src': ["'self'"],
        'style-src': ["'self'"],
        // The icon is embedded in the page.
        'img-src': ["'self'", 'data:'],
        // Not in all browsers does 'self' include WebSockets of the page's own host.
        'connect-src': ["'self'", 'ws:', 'wss:'],
        'base-uri': ["'none'"],
        'form-action': ["'none'"],
        'frame-ancestors': ["'none'"]
      }
    },
    // HSTS is the responsibility of the proxy that terminates TLS.
    strictTransportSecurity: false
  })

  const serve = (url: string, file: string): void => {
    fastify.route({ ...OWN_ROUTE, method: 'GET', url, handler: async (_request, reply) => await reply.sendFile(file) })
  }
  for (const file of publicFiles()) if (!isClient(file)) serve(`/${file}`, file)
  serve('/', 'index.html')
}

export default page
