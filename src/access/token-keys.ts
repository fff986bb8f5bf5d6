import { type AsymmetricKeyDetails, createPublicKey, KeyObject } from 'node:crypto'
import type { CryptoKey } from 'jose'
import { ConfigInvalidError } from '../errors.js'

/** A key, and the only algorithm of its signatures. */
export interface VerificationKey {
  readonly algorithm: 'HS256' | 'RS256' | 'ES256' | 'EdDSA'
  /** The secret, or a public key as PEM. */
  readonly key: string
}

/** Each kind of key is valid for one algorithm, whatever the header of a token (RFC 8725, section 3.1). */
const ALGORITHMS: Record<string, VerificationKey['algorithm'] | undefined> = {
  rsa: 'RS256',
  'ec prime256v1': 'ES256',
  ed25519: 'EdDSA'
}
const MIN_RSA_BITS = 2_048
const PEM = /-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g

/** The keys in a PEM text, one or several. Throws MSG_ERR_CONFIG_INVALID without a key, or for an unsupported kind. */
export function readPublicKeys (pem: string): VerificationKey[] {
  const texts = pem.match(PEM) ?? []
  if (texts.length === 0) throw invalid()
  return texts.map((text) => {
    try {
      return verificationKey(createPublicKey(text))
    } catch {
      throw invalid()
    }
  })
}

/** A key of a key set, or `undefined` for an unsupported kind. */
export function readWebKey (key: CryptoKey): VerificationKey | undefined {
  try {
    return verificationKey(KeyObject.from(key))
  } catch {
    return undefined
  }
}

function verificationKey (key: KeyObject): VerificationKey {
  const { namedCurve, modulusLength = MIN_RSA_BITS } = key.asymmetricKeyDetails as AsymmetricKeyDetails
  const algorithm = ALGORITHMS[[key.asymmetricKeyType, namedCurve].filter(Boolean).join(' ')]
  if (algorithm === undefined || modulusLength < MIN_RSA_BITS) throw invalid()
  return { algorithm, key: key.export({ type: 'spki', format: 'pem' }).toString() }
}

function invalid (): Error {
  return new ConfigInvalidError('TOKEN_PUBLIC_KEY must be public keys as PEM (BEGIN PUBLIC KEY): ' +
    'RSA of 2048 bits at least for RS256, P-256 for ES256 or Ed25519 for EdDSA')
}
