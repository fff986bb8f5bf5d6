import { Patterns } from './patterns.js'

/** What somebody wants to do on a channel. */
export type Action = 'subscribe' | 'send'

/** What a grant says of its holder; nothing of it is needed. */
export interface GrantDetails {
  /** Who holds it: the claim `sub`, or what the host calls its user. */
  readonly subject?: string | undefined
  /** The claim `jti`. */
  readonly tokenId?: string | undefined
  /** When it was issued, in milliseconds since 1970. Default 0: before every revocation. */
  readonly issuedAt?: number | undefined
  /** When it ends, in milliseconds since 1970. Default: never. */
  readonly expiresAt?: number | undefined
}

/** Leave to do something on some channels, for a time. */
export class Grant {
  readonly subject: string | undefined
  readonly tokenId: string | undefined
  readonly issuedAt: number
  readonly expiresAt: number
  readonly #channels: Readonly<Record<Action, Patterns>>

  /** @param channels what it covers, by action */
  constructor (channels: Readonly<Record<Action, Patterns>>, { subject, tokenId, issuedAt = 0, expiresAt = Infinity }: GrantDetails = {}) {
    this.#channels = channels
    this.subject = subject
    this.tokenId = tokenId
    this.issuedAt = issuedAt
    this.expiresAt = expiresAt
  }

  /** Whether there is any channel that it covers. */
  allows (action: Action): boolean {
    return this.#channels[action].size > 0
  }

  covers (action: Action, channel: string): boolean {
    return this.#channels[action].cover(channel)
  }

  /** Whether it can end before its holder leaves: by time, or because it is revoked. */
  get canEnd (): boolean {
    return this.expiresAt < Infinity || this.subject !== undefined || this.tokenId !== undefined
  }
}

const EVERYTHING = new Patterns(['*'])

/** A grant for every channel: that of publishers' tokens, of an open service, and of a host that said yes to one channel. */
export function unlimited (details?: GrantDetails): Grant {
  return new Grant({ subscribe: EVERYTHING, send: EVERYTHING }, details)
}
