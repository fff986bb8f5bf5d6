import fp from 'fastify-plugin'
import { Hosts } from '../src/access/hosts.js'
import { HostForbiddenError } from '../src/errors.js'

/** Options of this plugin. */
export interface HostsPluginOptions {
  /** Hosts that the scope is asked under; every one where there is no list. */
  allowedHosts: readonly string[] | undefined
}

/** Refuses requests to hosts that are not this service, and has every answer taken for what it says that it is. */
export default fp<HostsPluginOptions>(async (fastify, { allowedHosts = ['*'] }) => {
  const hosts = new Hosts(allowedHosts)

  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('x-content-type-options', 'nosniff')
    done(hosts.allow(request.raw.headers.host ?? '') ? undefined : new HostForbiddenError(JSON.stringify(request.raw.headers.host ?? '')))
  })
}, { name: 'messenger-hosts', fastify: '5.x' })
