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

/** A token and the result of its verification. */
interface Proof extends Credential {
  grant?: Grant
  verifying?: Promise<Grant>
  refusal?: { readonly error: unknown }
}

/**
 * The right of a connection to subscribe: its channels are judged one by one, each by the token of that moment, which is verified once.
 */
export class Session<Request> {
  readonly #ports: SessionPorts<Request>
  /** Only a host's function needs it; it is large. */
  readonly #request: Request | undefined
  #proof: Proof | undefined
  /** The subject of the first verified token, which does not change. */
  #subject: string | undefined

  constructor (request: Request, credential: Credential | undefined, ports: SessionPorts<Request>) {
    this.#ports = ports
    this.#request = ports.authorizer.asksHost ? request : undefined
    this.#proof = credential && { ...credential }
  }

  /** The grant for a channel; throws, or rejects, as `Authorizer.admit` does. */
  admit (channel: string): Grant | Promise<Grant> {
    const { authorizer } = this.#ports
    const proof = this.#proof
    const free = authorizer.admitFreely(proof, channel)
    if (free !== undefined) return free
    if (proof === undefined || !authorizer.verifies) return authorizer.admit(this.#request as Request, undefined, channel)
    const grant = this.#verified(proof)
    if (!(grant instanceof Promise)) return this.#covering(grant, channel)
    // The token may have been replaced meanwhile.
    const isCurrent = (): boolean => this.#proof === proof
    return grant.then(
      (found) => isCurrent() ? this.#covering(found, channel) : this.admit(channel),
      (error: unknown) => { if (isCurrent()) throw error; return this.admit(channel) }
    )
  }

  /**
   * Replaces the token and returns its grant. Throws, or rejects, like {@link admit}: whatever needs a token is refused from then on.
   * The subject of a connection does not change.
   */
  replace (token: string): Grant | Promise<Grant> {
    return this.#verified(this.#proof = { token, inHeader: false })
  }

  #covering (grant: Grant, channel: string): Grant {
    this.#ports.authorizer.assertHolds(grant)
    return covering(grant, 'subscribe', channel)
  }

  #verified (proof: Proof): Grant | Promise<Grant> {
    if (proof.grant !== undefined) return proof.grant
    if (proof.refusal !== undefined) throw proof.refusal.error
    if (proof.verifying !== undefined) return proof.verifying
    try {
      const grant = this.#ports.authorizer.verify(proof.token)
      if (!(grant instanceof Promise)) return this.#accepted(proof, grant)
      return proof.verifying = grant.then((found) => this.#accepted(proof, found))
        .catch((error: unknown) => { throw this.#refused(proof, error) })
    } catch (error) {
      throw this.#refused(proof, error)
    }
  }

  #accepted (proof: Proof, grant: Grant): Grant {
    if (this.#subject !== undefined && grant.subject !== this.#subject) throw new TokenRefusedError('its sub is not that of the connection')
    this.#subject = grant.subject
    return proof.grant = grant
  }

  /** Keeps the error, so that the token is neither verified nor counted again; not while keys cannot be fetched. */
  #refused (proof: Proof, error: unknown): unknown {
    delete proof.verifying
    if (error instanceof AuthorizationUnavailableError) return error
    proof.refusal = { error: this.#ports.count(error) }
    return proof.refusal.error
  }
}
