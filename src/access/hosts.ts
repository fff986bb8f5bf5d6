/** A rule for hosts: `example.com`, `*.example.com`, `127.0.0.1`, `[::1]`, or `*` for all, without a port. */
export const HOST_PATTERN = '^(\\*|(\\*\\.)?[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*|\\[[0-9A-Fa-f:.]+\\])$'

/** Names that always resolve to this machine. */
export const LOOPBACK_HOSTS: readonly string[] = ['localhost', '*.localhost', '127.0.0.1', '[::1]']

const PORT = /:[0-9]{0,5}$/
const LOOPBACK_ADDRESS = /^127(\.[0-9]{1,3}){3}$/
const HOST_OF_ORIGIN = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^:[]+|\[[^\]]+\])/

/** Whether a host, without a port, is this machine. */
export function isLoopback (host: string): boolean {
  return ['localhost', '::1', '[::1]'].includes(host) || LOOPBACK_ADDRESS.test(host)
}

/** The accepted hosts of a service. */
export class Hosts {
  readonly #names: ReadonlySet<string>
  readonly #suffixes: readonly string[]
  readonly #any: boolean

  /** @param names each one of {@link HOST_PATTERN} */
  constructor (names: readonly string[]) {
    const lower = names.map((name) => name.toLowerCase())
    this.#any = lower.includes('*')
    this.#names = new Set(lower)
    this.#suffixes = lower.filter((name) => name.startsWith('*.')).map((name) => name.slice(1))
  }

  /** Whether the header `Host` names one of them, with any port. */
  allow (host: string): boolean {
    if (this.#any) return true
    // A trailing dot names the same host.
    const name = host.toLowerCase().replace(PORT, '').replace(/\.$/, '')
    return this.#names.has(name) || this.#suffixes.some((suffix) => name.endsWith(suffix)) ||
      (this.#names.has('127.0.0.1') && LOOPBACK_ADDRESS.test(name))
  }
}

/** The hosts in rules for origins, which are accepted as the service's own. */
export function hostsOf (origins: readonly string[]): string[] {
  return origins.flatMap((origin) => HOST_OF_ORIGIN.exec(origin)?.[1] ?? []).filter((host) => new RegExp(HOST_PATTERN).test(host))
}
