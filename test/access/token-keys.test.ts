import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import t from 'tap'
import { readPublicKeys, readWebKey } from '../../src/access/token-keys.js'
import { thrown } from '../codes.js'
import { KEYS, pem } from '../tokens.js'

const UNUSED = {
  'RSA of 1024 bits': generateKeyPairSync('rsa', { modulusLength: 1_024 }),
  'RSA for PSS alone': generateKeyPairSync('rsa-pss', { modulusLength: 2_048 }),
  'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  Ed448: generateKeyPairSync('ed448'),
  X25519: generateKeyPairSync('x25519')
}

t.test('readPublicKeys', async (t) => {
  t.test('gives each kind of key its one algorithm', async (t) => {
    for (const [algorithm, { publicKey }] of Object.entries(KEYS))
      t.strictSame(readPublicKeys(pem(publicKey)), [{ algorithm, key: pem(publicKey) }])
  })

  t.test('finds several in one text, whatever stands between', async (t) => {
    const text = Object.entries(KEYS).map(([name, { publicKey }]) => `# ${name}\n${pem(publicKey)}\n`).join('')
    t.strictSame(readPublicKeys(text).map(({ algorithm }) => algorithm), Object.keys(KEYS))
  })

  t.test('refuses a text without a public key', async (t) => {
    const secret = KEYS.ES256.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    for (const text of ['', 'secret', secret, '-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----', '-----BEGIN PUBLIC KEY-----']) {
      t.throws(() => readPublicKeys(text), { code: 'MSG_ERR_CONFIG_INVALID', message: /^TOKEN_PUBLIC_KEY must be public keys as PEM / }, text)
    }
    t.notMatch(thrown(() => readPublicKeys(secret)), secret.slice(30, 60))
  })

  t.test('refuses a key of a kind that is not used, also beside a good one', async (t) => {
    for (const [name, { publicKey }] of Object.entries(UNUSED)) t.equal(thrown(() => readPublicKeys(pem(KEYS.RS256.publicKey) + pem(publicKey))), 'MSG_ERR_CONFIG_INVALID', name)
  })
})

t.test('readWebKey', async (t) => {
  const imported = async (key: KeyObject, algorithm: Parameters<typeof crypto.subtle.importKey>[2]): Promise<CryptoKey> =>
    await crypto.subtle.importKey('spki', key.export({ type: 'spki', format: 'der' }), algorithm, true, ['verify'])

  t.test('gives a key its algorithm', async (t) => {
    t.strictSame(readWebKey(await imported(KEYS.ES256.publicKey, { name: 'ECDSA', namedCurve: 'P-256' })), { algorithm: 'ES256', key: pem(KEYS.ES256.publicKey) })
    t.strictSame(readWebKey(await imported(KEYS.RS256.publicKey, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' })), { algorithm: 'RS256', key: pem(KEYS.RS256.publicKey) })
    t.strictSame(readWebKey(await imported(KEYS.EdDSA.publicKey, { name: 'Ed25519' })), { algorithm: 'EdDSA', key: pem(KEYS.EdDSA.publicKey) })
  })

  t.test('gives none for a kind that is not used', async (t) => {
    t.equal(readWebKey(await imported(UNUSED['P-384'].publicKey, { name: 'ECDSA', namedCurve: 'P-384' })), undefined)
    t.equal(readWebKey(await imported(UNUSED['RSA of 1024 bits'].publicKey, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' })), undefined)
  })
})
