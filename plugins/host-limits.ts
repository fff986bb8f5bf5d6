import fp from 'fastify-plugin'

/** The longest time of a timer. */
const NEVER_MS = 2 ** 31 - 1

/** Exempts the scope from the host's time limit for handlers, which would end long polls. */
export default fp(async (fastify) => {
  const { handlerTimeout = 0 } = fastify.initialConfig as { handlerTimeout?: number }
  // Where the host has no such limit, a limit of this package would cost one timer per request.
  if (handlerTimeout > 0) fastify.addHook('onRoute', (route) => { route.handlerTimeout = NEVER_MS })
}, { name: 'messenger-host-limits', fastify: '5.x' })
