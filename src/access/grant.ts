import { Patterns } from './patterns.js'

/** An action on a channel that needs a grant. */
export type Action = 'subscribe' | 'send'

/** The optional properties of a grant. */
export interface GrantDetails {
  /** The holder: the claim `sub`, or the host's name of its user. */
  readonly subject?: string | undefined
  /** The claim `jti`. */
  readonly tokenId?: string | undefined
  /** Time of issue in milliseconds since 1970. Default 0: before every revocation. */
  readonly issuedAt?: number | undefined
  /** Expiry in milliseconds since 1970. Default: never. */
  readonly expiresAt?: number | undefined
}

/** Permission for actions on some channels, for a limited time. */
export class Grant {
  readonly subject: string | undefined
  readonly tokenId: string | undefined
  readonly issuedAt: number
  readonly expiresAt: number
  readonly #channels: Readonly<Record<Action, Patterns>>

  /** @param channels the covered channels by action */
  constructor (channels: Readonly<Record<Action, Patterns>>, { subject, tokenId, issuedAt = 0, expiresAt = Infinity }: GrantDetails = {}) {
    this.#channels = channels
    this.subject = subject
    this.tokenId = tokenId
    this.issuedAt = issuedAt
    this.expiresAt = expiresAt
  }

  /** Whether the grant covers any channel. */
  allows (action: Action): boolean {
    return this.#channels[action].size > 0
  }

  covers (action: Action, channel: string): boolean {
    return this.#channels[action].cover(channel)
  }

  /** Milliseconds until the grant expires; `undefined` where it does not. */
  get expiresIn (): number | undefined {
    return this.expiresAt < Infinity ? Math.max(0, this.expiresAt - Date.now()) : undefined
  }

  /** Whether the grant can end before the subscription: by expiry or revocation. */
  get canEnd (): boolean {
    return this.expiresAt < Infinity || this.subject !== undefined || this.tokenId !== undefined
  }
}

const EVERYTHING = new Patterns(['*'])

/** A grant for every channel: for publishers' tokens, for an open service, and for one channel after a host's decision. */
export function unlimited (details?: GrantDetails): Grant {
  return new Grant({ subscribe: EVERYTHING, send: EVERYTHING }, details)
}
