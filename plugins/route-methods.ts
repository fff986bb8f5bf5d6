import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** The methods of each path of the scope, as written in a route. */
    routeMethods: ReadonlyMap<string, ReadonlySet<string>>
  }
}

/** Decorates the scope with the methods of its routes. */
export default fp(async (fastify) => {
  const routeMethods = new Map<string, Set<string>>()
  fastify.decorate('routeMethods', routeMethods)
  fastify.addHook('onRoute', ({ routePath, method }) => {
    const methods = routeMethods.get(routePath) ?? new Set()
    for (const name of [method].flat()) methods.add(name)
    routeMethods.set(routePath, methods)
  })
}, { name: 'messenger-route-methods', fastify: '5.x' })
