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
    // HTTP/2 has it in a field of its own (RFC 9113, section 8.3.1); of what neither names nobody knows what it is for.
    const { host = '', ':authority': authority = host } = request.raw.headers as { host?: string, ':authority'?: string }
    done(hosts.allow(authority) ? undefined : new HostForbiddenError(JSON.stringify(authority)))
  })
}, { name: 'messenger-hosts', fastify: '5.x' })
