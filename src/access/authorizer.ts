import type { FastifyError } from '@fastify/error'
import type { BearerTokens } from './bearer-tokens.js'
import type { Credential } from './credential.js'
import {
  AuthorizationUnavailableError, ChannelForbiddenError, TokenExpiredError, TokenRequiredError, TokenRevokedError
} from '../errors.js'
import { type Action, type Grant, unlimited } from './grant.js'
import type { Patterns } from './patterns.js'
import type { Revocations } from './revocations.js'
import type { TokenVerifier } from './token-verifier.js'

/** The decision of a host: yes or no; an object means yes, with an expiry and a subject, so that `sub` can be revoked. */
export type Decision = boolean | {
  /** The end of the grant, as a date or in milliseconds since 1970. Default: never. */
  readonly expiresAt?: Date | number | undefined
  /** The subject of the grant. */
  readonly subject?: string | undefined
}

/** Decides for a host whether a request may act on a channel. */
export type Authorize<Request> = (request: Request, channel: string, action: Action) => Decision | Promise<Decision>

/** Dependencies of {@link Authorizer}. */
export interface AuthorizerOptions<Request> {
  readonly bearerTokens: BearerTokens
  /** Present when tokens are configured. */
  readonly verifier: TokenVerifier | undefined
  readonly revocations: Revocations
  /** Channels without authorization. */
  readonly publicChannels: Patterns
  readonly authorize: Authorize<Request> | undefined
  /** Milliseconds that a host may take to decide. */
  readonly authorizeTimeoutMs: number
  /** Called with the error of a failed decision. */
  readonly onError: (request: Request, error: unknown) => void
}

const UNLIMITED = unlimited()
const DECISION_KEYS = ['expiresAt', 'subject'] satisfies (keyof Exclude<Decision, boolean>)[] as string[]

/** Decides on requests to subscribe and, beside publishers' tokens, to send. Open unless tokens or a host's function are configured. */
export class Authorizer<Request> {
  readonly #options: AuthorizerOptions<Request>

  constructor (options: AuthorizerOptions<Request>) {
    this.#options = options
  }

  /** Whether subscriptions need no authorization. */
  get isOpen (): boolean {
    return this.#options.verifier === undefined && this.#options.authorize === undefined
  }

  /**
   * The grant to subscribe to a channel; synchronous where neither the host nor a key set is needed. Throws, or rejects with,
   * MSG_ERR_TOKEN_REQUIRED, MSG_ERR_TOKEN_REFUSED, MSG_ERR_TOKEN_EXPIRED, MSG_ERR_TOKEN_REVOKED, MSG_ERR_CHANNEL_FORBIDDEN or
   * MSG_ERR_AUTHORIZATION_UNAVAILABLE.
   */
  admit (request: Request, credential: Credential | undefined, channel: string): Grant | Promise<Grant> {
    const { verifier, authorize } = this.#options
    const free = this.admitFreely(credential, channel)
    if (free !== undefined) return free
    if (verifier !== undefined && credential !== undefined) {
      const grant = this.verify(credential.token)
      return grant instanceof Promise ? grant.then((found) => covering(found, 'subscribe', channel)) : covering(grant, 'subscribe', channel)
    }
    if (authorize === undefined) throw new TokenRequiredError()
    return this.authorize(request, channel, 'subscribe')
  }

  /** The grant for a channel that needs none, or for a publisher's token; otherwise `undefined`. */
  admitFreely (credential: Credential | undefined, channel: string): Grant | undefined {
    const { bearerTokens, publicChannels } = this.#options
    if (this.isOpen || publicChannels.cover(channel)) return UNLIMITED
    return credential?.inHeader === true && bearerTokens.indexOf(credential.token) >= 0 ? UNLIMITED : undefined
  }

  /** The grant of a token, unless it was revoked. Throws, or rejects, like {@link admit}. */
  verify (token: string): Grant | Promise<Grant> {
    const grant = (this.#options.verifier as TokenVerifier).verify(token)
    return grant instanceof Promise ? grant.then((found) => this.#observed(found)) : this.#observed(grant)
  }

  /**
   * Checks that a grant is still valid: time passes between the head of a request and its processing. Throws
   * MSG_ERR_TOKEN_EXPIRED or MSG_ERR_TOKEN_REVOKED.
   */
  assertHolds (grant: Grant): void {
    if (grant.expiresAt <= Date.now()) throw new TokenExpiredError()
    this.#unrevoked(grant)
  }

  /** Whether tokens are checked. */
  get verifies (): boolean {
    return this.#options.verifier !== undefined
  }

  /** Whether the host decides. */
  get asksHost (): boolean {
    return this.#options.authorize !== undefined
  }

  /** The grant of the host. Rejects like {@link admit}; an error of the host's function is a refusal. */
  async authorize (request: Request, channel: string, action: Action): Promise<Grant> {
    // A revocation that arrives while the host decides applies to this grant, too.
    const issuedAt = Date.now()
    const decision = await this.#decide(request, channel, action)
    if (decision === false) throw forbidden(action, channel)
    if (decision === true) return UNLIMITED
    const { expiresAt, subject } = decision
    const grant = unlimited({ subject, issuedAt, expiresAt: expiresAt === undefined ? undefined : Number(expiresAt) })
    if (!(grant.expiresAt > Date.now())) throw new TokenRequiredError()
    return this.#unrevoked(grant)
  }

  #observed (grant: Grant): Grant {
    this.#options.revocations.observe(grant.issuedAt, Date.now())
    return this.#unrevoked(grant)
  }

  #unrevoked (grant: Grant): Grant {
    if (this.#options.revocations.has(grant)) throw new TokenRevokedError()
    return grant
  }

  async #decide (request: Request, channel: string, action: Action): Promise<Decision> {
    const { onError } = this.#options
    try {
      const decision = await this.#ask(request, channel, action)
      if (typeof decision === 'boolean' || isGranting(decision)) return decision
      // A function without types may return anything: an object such as { allowed: false } is no grant.
      if (decision) onError(request, new TypeError('authorize() must return true, false or an object of expiresAt and subject'))
      return false
    } catch (error) {
      if (error instanceof AuthorizationUnavailableError) throw error
      onError(request, error)
      if ((error as Partial<FastifyError> | undefined)?.statusCode === 401) throw new TokenRequiredError()
      return false
    }
  }

  /** The answer of the host. Rejects when it takes too long. */
  async #ask (...question: Parameters<Authorize<Request>>): Promise<unknown> {
    const { authorize, authorizeTimeoutMs } = this.#options
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => { reject(new AuthorizationUnavailableError('the host takes too long')) }, authorizeTimeoutMs)
    })
    const answer = (async () => await (authorize as Authorize<Request>)(...question))()
    return await Promise.race([answer, timeout]).finally(() => { clearTimeout(timer) })
  }
}

/** Returns the grant, or throws MSG_ERR_CHANNEL_FORBIDDEN where it does not cover the action. */
export function covering (grant: Grant, action: Action, channel: string): Grant {
  if (!grant.covers(action, channel)) throw forbidden(action, channel)
  return grant
}

function isGranting (decision: unknown): decision is Exclude<Decision, boolean> {
  return typeof decision === 'object' && decision !== null && !Array.isArray(decision) &&
    Object.keys(decision).every((key) => DECISION_KEYS.includes(key))
}

/** The error for a forbidden action on a channel. */
export function forbidden (action: Action, channel: string): FastifyError {
  return new ChannelForbiddenError(`${action} to`, JSON.stringify(channel))
}
