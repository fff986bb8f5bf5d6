import type { FastifyInstance } from 'fastify'
import { pathOf } from './redaction.js'

/** A path that can be looked for among the routes: without what is a parameter or a wildcard in one. */
const PLAIN = /^[\w./~@=+-]*$/
const CHANNEL_OR_ROUTE = /^\/([^/]+|-\/.*)$/

interface RouterOptions {
  readonly caseSensitive?: boolean
  readonly ignoreDuplicateSlashes?: boolean
}

/**
 * Tells whether a URL is one of a scope's, and how many characters of it the scope's prefix has. It reads URLs as the app's router does;
 * a route that the host has at exactly that path is the host's.
 *
 * @param everyPath whether the scope has every path under its prefix, or only those of channels and of its own routes
 */
export function pathUnder (scope: FastifyInstance, everyPath: boolean): (url: string) => number | undefined {
  const { caseSensitive, ignoreDuplicateSlashes }: RouterOptions = { ...scope.initialConfig, ...(scope.initialConfig as { routerOptions?: RouterOptions }).routerOptions }
  const own = new Set<string>()
  const normalize = (path: string): string => {
    const decoded = decode(path)
    const single = ignoreDuplicateSlashes === true ? decoded.replaceAll(/\/{2,}/g, '/') : decoded
    return caseSensitive === false ? single.toLowerCase() : single
  }
  const prefix = normalize(scope.prefix)
  scope.addHook('onRoute', ({ url }) => { own.add(normalize(url)).add(normalize(`${url}/`)) })

  return (url) => {
    const path = normalize(pathOf(url))
    if (path !== prefix && !path.startsWith(`${prefix}/`)) return undefined
    if (!everyPath && !CHANNEL_OR_ROUTE.test(path.slice(prefix.length))) return undefined
    if (PLAIN.test(path) && !own.has(path) && scope.hasRoute({ method: 'GET', url: path })) return undefined
    return prefix.length
  }
}

function decode (path: string): string {
  try {
    return decodeURI(path)
  } catch {
    return path
  }
}
