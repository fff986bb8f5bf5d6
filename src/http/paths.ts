import type { FastifyInstance } from 'fastify'
import { pathOf } from './redaction.js'

/** A path that can be looked up among the routes: without the characters of parameters and wildcards. */
const PLAIN = /^[\w./~@=+-]*$/
const CHANNEL_OR_ROUTE = /^\/([^/]+|-\/.*)$/

interface RouterOptions {
  readonly caseSensitive?: boolean
  readonly ignoreDuplicateSlashes?: boolean
}

/**
 * Returns a function for the length of a scope's prefix in a URL; `undefined` where the URL is not the scope's. It reads URLs as the
 * app's router does; a route of the host at exactly that path is the host's.
 *
 * @param everyPath whether the scope owns every path under its prefix, or only those of channels and of its own routes
 */
export function pathUnder (scope: FastifyInstance, everyPath: boolean): (url: string) => number | undefined {
  const config: RouterOptions & { readonly routerOptions?: RouterOptions } = scope.initialConfig
  const { caseSensitive, ignoreDuplicateSlashes }: RouterOptions = { ...config, ...config.routerOptions }
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
  if (!path.includes('%')) return path
  try {
    return decodeURI(path)
  } catch {
    return path
  }
}
