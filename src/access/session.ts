import { AuthorizationUnavailableError, TokenRefusedError } from '../errors.js'
import { type Authorizer, covering } from './authorizer.js'
import type { Credential } from './credential.js'
import type { Grant } from './grant.js'

/** Dependencies of {@link Session}. */
export interface SessionPorts<Request> {
  readonly authorizer: Authorizer<Request>
  /** Counts the error of a refused token once; returns it, or the one that is to be answered in its place. */
  readonly count: (error: unknown) => unknown
}

/**
 * The right of a connection to subscribe: its channels are judged one by one, each by the token of that moment, which is verified once.
 */
export class Session<Request> {
  readonly #ports: SessionPorts<Request>
  /** Only a host's function needs it; it is large. */
  readonly #request: Request | undefined
  #credential: Credential | undefined
  /** The grant of the token, once it is verified. */
  #grant: Grant | undefined
  #verifying: Promise<Grant> | undefined
  #refusal: { readonly error: unknown } | undefined

  constructor (request: Request, credential: Credential | undefined, ports: SessionPorts<Request>) {
    this.#ports = ports
    this.#request = ports.authorizer.asksHost ? request : undefined
    this.#credential = credential
  }

  /** The grant for a channel; throws, or rejects, as `Authorizer.admit` does. */
  admit (channel: string): Grant | Promise<Grant> {
    const { authorizer } = this.#ports
    const free = authorizer.admitFreely(this.#credential, channel)
    if (free !== undefined) return free
    if (this.#credential === undefined || !authorizer.verifies) return authorizer.admit(this.#request as Request, undefined, channel)
    const grant = this.#verified()
    return grant instanceof Promise ? grant.then((found) => this.#covering(found, channel)) : this.#covering(grant, channel)
  }

  /**
   * Replaces the token and returns its grant. Throws, or rejects, like {@link admit}: whatever needs a token is refused from then on.
   * The subject of a connection does not change.
   */
  replace (token: string): Grant | Promise<Grant> {
    const before = this.#grant?.subject
    this.#credential = { token, inHeader: false }
    this.#grant = this.#refusal = this.#verifying = undefined
    const same = (grant: Grant): Grant => {
      if (before === undefined || grant.subject === before) return grant
      this.#grant = undefined
      throw this.#refused(new TokenRefusedError('its sub is not that of the connection'))
    }
    const grant = this.#verified()
    return grant instanceof Promise ? grant.then(same) : same(grant)
  }

  #covering (grant: Grant, channel: string): Grant {
    this.#ports.authorizer.assertHolds(grant)
    return covering(grant, 'subscribe', channel)
  }

  #verified (): Grant | Promise<Grant> {
    if (this.#grant !== undefined) return this.#grant
    if (this.#refusal !== undefined) throw this.#refusal.error
    try {
      const grant = this.#verifying ?? this.#ports.authorizer.verify((this.#credential as Credential).token)
      if (!(grant instanceof Promise)) return this.#grant = grant
      return this.#verifying ??= grant.then((found) => this.#grant = found, (error: unknown) => { throw this.#refused(error) })
    } catch (error) {
      throw this.#refused(error)
    }
  }

  /** Keeps the error, so that the token is neither verified nor counted again; not while keys cannot be fetched. */
  #refused (error: unknown): unknown {
    this.#verifying = undefined
    if (error instanceof AuthorizationUnavailableError) return error
    this.#refusal = { error: this.#ports.count(error) }
    return this.#refusal.error
  }
}
