import fp from 'fastify-plugin'

/** The longest time of a timer. */
const NEVER_MS = 2 ** 31 - 1

/** Exempts the scope from the time limit that a host has for its handlers: a long poll does not hang. */
export default fp(async (fastify) => {
  const { handlerTimeout = 0 } = fastify.initialConfig as { handlerTimeout?: number }
  // Where the host has no such limit, one of ours would cost a timer a request.
  if (handlerTimeout > 0) fastify.addHook('onRoute', (route) => { route.handlerTimeout = NEVER_MS })
}, { name: 'messenger-host-limits', fastify: '5.x' })
