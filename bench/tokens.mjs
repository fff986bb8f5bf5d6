// node bench/tokens.mjs [--quick]: what does it cost to check a subscriber's token? CPU time of this process, a token after the other.
import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { median } from './measure/statistics.mjs'
import { projectRoot } from './process/prepare.mjs'
import { programWhenMain, progress } from './program.mjs'

const SECRET = 'a-secret-of-thirty-two-characters'
const DAY_MS = 86_400_000
const CLAIMS = {
  iss: 'https://accounts.example.com', aud: 'push.example.com', sub: 'auth0|5f7c8ec7c33c6c004bbafe82', jti: '0b0c2b86-7f5c-4f5c-9f0e-1f6a4e7d1c53',
  subscribe: ['user:5f7c8ec7c33c6c004bbafe82:*', 'team:4711', 'news'], send: []
}
const KEYS = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2_048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519')
}

/** Resolves to `{ checks, characters, rows }`: microseconds of CPU a check by algorithm, medians of several rounds. */
export async function tokens ({ quick }) {
  const { TokenVerifier } = await import(pathToFileURL(join(projectRoot, 'dist/src/access/token-verifier.js')).href)
  const checks = quick ? 1_000 : 10_000
  const rounds = quick ? 3 : 7
  const rows = ['HS256', ...Object.keys(KEYS)].map((algorithm) => {
    const { key, signed } = keyFor(algorithm)
    const keys = [{ algorithm, key }]
    const verifier = new TokenVerifier({ keys, keySet: undefined, issuers: [CLAIMS.iss], audiences: [CLAIMS.aud], maxTtlMs: DAY_MS })
    // Each token is another one, as each subscriber's is.
    const texts = Array.from({ length: 100 }, (_, index) => tokenOf(algorithm, index, signed))
    check(verifier, texts, checks)
    const microseconds = median(Array.from({ length: rounds }, () => check(verifier, texts, checks)))
    progress(`tokens  ${algorithm} ${microseconds.toFixed(1)} µs`)
    return { algorithm, characters: texts[0].length, microseconds }
  })
  return { checks, rounds, rows }
}

/** Microseconds of CPU a check. */
function check (verifier, texts, checks) {
  const before = process.cpuUsage()
  for (let count = 0; count < checks; count++) verifier.verify(texts[count % texts.length])
  const { user, system } = process.cpuUsage(before)
  return (user + system) / checks
}

function tokenOf (algorithm, index, signed) {
  const now = Math.floor(Date.now() / 1_000)
  const input = [{ alg: algorithm, typ: 'JWT', kid: 'key-1' }, { ...CLAIMS, jti: CLAIMS.jti.replace(/^.{3}/, String(index).padStart(3, '0')), iat: now, exp: now + 3_600 }]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${input}.${signed(Buffer.from(input)).toString('base64url')}`
}

function keyFor (algorithm) {
  if (algorithm === 'HS256') return { key: SECRET, signed: (input) => createHmac('sha256', SECRET).update(input).digest() }
  const { publicKey, privateKey } = KEYS[algorithm]()
  const options = algorithm === 'ES256' ? { key: privateKey, dsaEncoding: 'ieee-p1363' } : privateKey
  return {
    key: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    signed: (input) => sign(algorithm === 'EdDSA' ? null : 'sha256', input, options)
  }
}

await programWhenMain(import.meta, 'tokens', tokens)
