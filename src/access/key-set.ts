import { createRemoteJWKSet, type CryptoKey, errors, type JWSHeaderParameters } from 'jose'
import { ConfigInvalidError } from '../errors.js'
import { AuthorizationUnavailableError, TokenRefusedError } from './errors.js'
import { readWebKey, type VerificationKey } from './token-keys.js'

/** What a refusal by the key set's own words means: no key is the token's. Everything else is trouble with the set. */
const NO_KEY = ['ERR_JWKS_NO_MATCHING_KEY', 'ERR_JWKS_MULTIPLE_MATCHING_KEYS', 'ERR_JOSE_NOT_SUPPORTED', 'ERR_JWK_INVALID']

/**
 * The public keys at a URL (RFC 7517), fetched when they are needed and anew every 10 minutes. A key that is not among them
 * has them fetched again, at most every 30 seconds: made-up key ids do not make for a request each.
 */
export class KeySet {
  readonly #find: (header: JWSHeaderParameters) => Promise<CryptoKey>
  // The set gives the same object for the same key.
  readonly #keys = new WeakMap<CryptoKey, VerificationKey | undefined>()

  /** Throws MSG_ERR_CONFIG_INVALID where `url` is none. */
  constructor (url: string) {
    if (!URL.canParse(url)) throw new ConfigInvalidError(`TOKEN_JWKS_URL must be the address of a key set, but is ${JSON.stringify(url)}`)
    this.#find = createRemoteJWKSet(new URL(url))
  }

  /** The key that a token with this header was signed with. Rejects with MSG_ERR_TOKEN_REFUSED or MSG_ERR_AUTHORIZATION_UNAVAILABLE. */
  async keyFor (header: JWSHeaderParameters): Promise<VerificationKey> {
    const found = await this.#ask(header)
    if (!this.#keys.has(found)) this.#keys.set(found, readWebKey(found))
    const key = this.#keys.get(found)
    if (key === undefined) throw new TokenRefusedError('its key is of a kind that is not used')
    return key
  }

  async #ask (header: JWSHeaderParameters): Promise<CryptoKey> {
    try {
      return await this.#find(header)
    } catch (error) {
      if (error instanceof errors.JOSEError && NO_KEY.includes(error.code)) throw new TokenRefusedError('no key of the key set is its own')
      throw new AuthorizationUnavailableError('the key set cannot be fetched')
    }
  }
}
