import { setTimeout as delay } from 'node:timers/promises'
import { createLocalJWKSet, type CryptoKey, errors, type JSONWebKeySet, type JWSHeaderParameters } from 'jose'
import { AuthorizationUnavailableError, ConfigInvalidError, TokenRefusedError } from '../errors.js'
import { withoutCredentials } from '../wire/text.js'
import { readWebKey, type VerificationKey } from './token-keys.js'

/** Errors of jose for a token without a key in the set. */
const NO_KEY = ['ERR_JWKS_NO_MATCHING_KEY', 'ERR_JWKS_MULTIPLE_MATCHING_KEYS', 'ERR_JOSE_NOT_SUPPORTED', 'ERR_JWK_INVALID']
/** Time for which a set is used without another request. */
const MAX_AGE_MS = 600_000
/** Between two requests for a key that is not in the set. */
const COOL_DOWN_MS = 30_000
/** After the first of consecutive failures; doubles with each up to {@link COOL_DOWN_MS}. */
const FIRST_COOL_DOWN_MS = 1_000
const TIMEOUT_MS = 5_000
/** Time for which tokens of known keys wait for an outdated set; then they are checked with the old one. */
const STALE_WAIT_MS = 1_000
const MAX_BYTES = 1024 ** 2

type Find = (header: JWSHeaderParameters) => Promise<CryptoKey>

/**
 * The public keys at a URL (RFC 7517), fetched when they are needed and again every 10 minutes. An unknown key id causes another
 * request, at most every 30 seconds, so that invented ids do not cause one each. The same applies to a set that cannot be
 * fetched; known keys stay valid until it can.
 */
export class KeySet {
  readonly #url: string
  // The set returns the same object for the same key.
  readonly #keys = new WeakMap<CryptoKey, VerificationKey | undefined>()
  #find: Find | undefined
  #fetchedAt = -Infinity
  /** The earliest time of the next request, whatever the result of the last one. */
  #askAgainAt = -Infinity
  #failures = 0
  #fetching: Promise<void> | undefined

  /** Throws MSG_ERR_CONFIG_INVALID where `url` is not a URL. */
  constructor (url: string) {
    if (!URL.canParse(url))
      throw new ConfigInvalidError(`TOKEN_JWKS_URL must be the address of a key set, but is ${withoutCredentials(JSON.stringify(url))}`)
    this.#url = url
  }

  /** The key for a token with this header. Rejects with MSG_ERR_TOKEN_REFUSED or MSG_ERR_AUTHORIZATION_UNAVAILABLE. */
  async keyFor (header: JWSHeaderParameters): Promise<VerificationKey> {
    const found = await this.#ask(header)
    if (!this.#keys.has(found)) this.#keys.set(found, readWebKey(found))
    const key = this.#keys.get(found)
    if (key === undefined) throw new TokenRefusedError('its key is of a kind that is not used')
    return key
  }

  async #ask (header: JWSHeaderParameters): Promise<CryptoKey> {
    if (this.#find === undefined) await this.#refresh()
    else if (Date.now() >= this.#fetchedAt + MAX_AGE_MS)
      await Promise.race([this.#refresh(), delay(STALE_WAIT_MS, undefined, { ref: false })])
    const known = await this.#look(header)
    if (known !== undefined) return known
    await this.#refresh()
    const found = await this.#look(header)
    if (found !== undefined) return found
    // No request has succeeded since the key may have been added.
    if (this.#failures > 0) throw new AuthorizationUnavailableError('the key set cannot be fetched')
    throw new TokenRefusedError('no key of the key set is its own')
  }

  async #look (header: JWSHeaderParameters): Promise<CryptoKey | undefined> {
    if (this.#find === undefined) throw new AuthorizationUnavailableError('the key set cannot be fetched')
    try {
      return await this.#find(header)
    } catch (error) {
      if (error instanceof errors.JOSEError && NO_KEY.includes(error.code)) return undefined
      throw new AuthorizationUnavailableError('the key set cannot be used')
    }
  }

  /** Fetches the set, with one request for concurrent calls; does nothing while it is too early for another one. */
  async #refresh (): Promise<void> {
    if (this.#fetching === undefined && Date.now() < this.#askAgainAt) return
    await (this.#fetching ??= this.#fetch().finally(() => { this.#fetching = undefined }))
  }

  async #fetch (): Promise<void> {
    try {
      this.#find = createLocalJWKSet(await fetchSet(this.#url))
      this.#fetchedAt = Date.now()
      this.#failures = 0
      this.#askAgainAt = this.#fetchedAt + COOL_DOWN_MS
    } catch {
      // All failures are equal for a token.
      this.#askAgainAt = Date.now() + Math.min(COOL_DOWN_MS, FIRST_COOL_DOWN_MS * 2 ** this.#failures++)
    }
  }
}

/** Rejects unless the answer is JSON of a bounded length. Redirects are not followed: the keys are those of this address. */
async function fetchSet (url: string): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    redirect: 'manual', headers: { accept: 'application/json, application/jwk-set+json' }, signal: AbortSignal.timeout(TIMEOUT_MS)
  })
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += (chunk as Uint8Array).length
    if (response.status !== 200 || length > MAX_BYTES) throw new Error('no key set')
    chunks.push(chunk as Uint8Array)
  }
  if (response.status !== 200) throw new Error('no key set')
  return JSON.parse(Buffer.concat(chunks).toString()) as JSONWebKeySet
}
