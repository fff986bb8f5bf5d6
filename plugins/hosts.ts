import fp from 'fastify-plugin'
import { Hosts } from '../src/access/hosts.js'
import { HostForbiddenError } from '../src/errors.js'

/** Options of this plugin. */
export interface HostsPluginOptions {
  /** Accepted hosts; all where there is no list. */
  allowedHosts: readonly string[] | undefined
}

/** Refuses requests for other hosts, and forbids clients to guess the media type of an answer (`nosniff`). */
export default fp<HostsPluginOptions>(async (fastify, { allowedHosts = ['*'] }) => {
  const hosts = new Hosts(allowedHosts)

  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('x-content-type-options', 'nosniff')
    // HTTP/2 has `:authority` instead (RFC 9113, section 8.3.1); a request with neither is for an unknown host.
    const { host = '', ':authority': authority = host } = request.raw.headers as { host?: string, ':authority'?: string }
    done(hosts.allow(authority) ? undefined : new HostForbiddenError(JSON.stringify(authority)))
  })
}, { name: 'messenger-hosts', fastify: '5.x' })
