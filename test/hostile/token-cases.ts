import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { SECRET, segment } from '../tokens.js'
import type { Refusal } from './contract.js'

/** A token as it is written, and what it is good for. */
export interface TokenCase {
  text: string
  /** Why it is no good; empty when it is. */
  refusals: readonly Refusal[]
  /** Where another reader of the specification might take it. */
  debatable?: boolean
  subscribe: readonly string[]
  send: readonly string[]
}

const DAY_SECONDS = 86_400
const MAX_TTL_DAYS = 30
const MAX_TOKEN_LENGTH = 8_192

export const Channel = fc.oneof(fc.constantFrom('room', 'other', 'a', 'public.a', '__proto__'), fc.stringMatching(/^[ab_][ab.:~=+@-]{0,6}$/))
const Pattern = fc.oneof({ weight: 3, arbitrary: fc.stringMatching(/^[ab.:*~-]{1,8}$/) }, fc.constantFrom('*', '**', 'room', 'r*m', '*o', 'a*', '*a*', '_*', `a${'*'.repeat(99)}`, `${'a*'.repeat(49)}b`, 'constructor', '.*', '--', '@'))
const NoPattern = fc.constantFrom<unknown>('', 'a b', 'é', 'a,b', '[ab]', '?', 'a/b', 'a\n', 'x'.repeat(101), 1, null, {}, ['a'], true)

/** Says by the documentation whether one of the patterns matches a name: `*` stands for any run of characters, also none. */
export function covers (patterns: readonly string[], channel: string): boolean {
  return patterns.some((pattern) => new RegExp(`^${pattern.split(/\*+/).map((part) => part.replace(/[.+]/g, '\\$&')).join('.*')}$`).test(channel))
}

/** A claim and whether it is what it must be. */
interface Claim {
  name: string
  value: unknown
  refusals: readonly Refusal[]
}

const REFUSED = ['TOKEN_REFUSED']
const none: Refusal[] = []
const NOT_NUMBERS = fc.constantFrom<unknown>('1', '', null, true, [], {}, [1], { valueOf: 1 }, '2999-01-01')

const Channels = fc.oneof(
  { weight: 8, arbitrary: fc.array(Pattern, { maxLength: 4 }).map((value) => ({ value, refusals: none })) },
  fc.constantFrom(100, 101).map((count) => ({ value: Array(count).fill('zz'), refusals: count > 100 ? REFUSED : none })),
  fc.tuple(fc.array(Pattern, { maxLength: 2 }), NoPattern).map(([good, bad]) => ({ value: [...good, bad], refusals: REFUSED })),
  fc.constantFrom<unknown>('*', null, 1, {}, { 0: '*', length: 1 }, true, '').map((value) => ({ value, refusals: REFUSED }))
)
const channels = (name: string): fc.Arbitrary<Claim> => Channels.map((claim) => ({ name, ...claim }))

const name = (name: string): fc.Arbitrary<Claim> => fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }).map((value): Claim => ({ name, value, refusals: none })) },
  fc.constantFrom(255, 256).map((length): Claim => ({ name, value: 'n'.repeat(length), refusals: length > 255 ? REFUSED : none })),
  fc.constantFrom<unknown>(null, 1, [], ['a'], {}, true).map((value): Claim => ({ name, value, refusals: REFUSED }))
)

const at = (seconds: number): number => Math.floor(Date.now() / 1_000) + seconds
const Exp: fc.Arbitrary<Claim> = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.integer({ min: 60, max: (MAX_TTL_DAYS - 1) * DAY_SECONDS }).map((value) => ({ value: at(value), refusals: none }))
  },
  fc.double({ min: 60, max: 1_000, noNaN: true }).map((value) => ({ value: at(0) + value, refusals: none })),
  fc.integer({ min: 60, max: 1_000_000_000 }).map((ago) => ({ value: at(-ago), refusals: ['TOKEN_EXPIRED'] })),
  // Long ago, or no date at all.
  fc.constantFrom(0, -1, 1.5, -1e300).map((value) => ({ value, refusals: ['TOKEN_EXPIRED', ...REFUSED] })),
  fc.constantFrom(at((MAX_TTL_DAYS + 1) * DAY_SECONDS), Date.now() + 1_000_000, Number.MAX_SAFE_INTEGER, 1e300)
    .map((value) => ({ value, refusals: REFUSED })),
  NOT_NUMBERS.map((value) => ({ value, refusals: REFUSED })),
  fc.constant({ value: undefined, refusals: REFUSED })
).map((claim) => ({ name: 'exp', ...claim }))
const Nbf: fc.Arbitrary<Claim> = fc.oneof(
  fc.constantFrom(0, -1, at(-60), 1.5).map((value) => ({ value, refusals: none })),
  fc.constantFrom(at(600), 1e300, Number.MAX_SAFE_INTEGER).map((value) => ({ value, refusals: REFUSED })),
  NOT_NUMBERS.map((value) => ({ value, refusals: REFUSED }))
).map((claim) => ({ name: 'nbf', ...claim }))
const Iat: fc.Arbitrary<Claim> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(0, -1, at(-60), 1.5, at(60)).map((value) => ({ value, refusals: none })) },
  fc.constantFrom(at(3_600), 1e300, Number.MAX_SAFE_INTEGER).map((value) => ({ value, refusals: REFUSED })),
  NOT_NUMBERS.map((value) => ({ value, refusals: REFUSED }))
).map((claim) => ({ name: 'iat', ...claim }))
/** Claims that mean nothing here. */
const Unknown: fc.Arbitrary<Claim> = fc.tuple(fc.constantFrom('scope', 'admin', '__proto__', 'constructor', 'Subscribe', 'channels', 'toString'), fc.json({ maxDepth: 1 })).map(([name, json]) => ({ name, value: JSON.parse(json) as unknown, refusals: none }))

const sparse = (claim: fc.Arbitrary<Claim>): fc.Arbitrary<Claim[]> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant<Claim[]>([]) }, claim.map((one) => [one]))

const HEADER = { alg: 'HS256', typ: 'JWT' }

function signed (header: string, claims: string, key = SECRET, digest = 'sha256'): string {
  return `${header}.${claims}.${createHmac(digest, key).update(`${header}.${claims}`).digest('base64url')}`
}

function jsonOf (claims: readonly Claim[]): string {
  // By hand, so that __proto__ is a claim like any other.
  return `{${claims.filter(({ value }) => value !== undefined).map(({ name, value }) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`
}

/** Tokens that are signed as they must be, with claims that are right or wrong. */
const Signed = fc.tuple(channels('subscribe'), channels('send'), Exp, sparse(Nbf), sparse(Iat), sparse(name('sub')), sparse(name('jti')), sparse(Unknown), fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 3_000, 7_000)).map(([subscribe, send, exp, nbf, iat, sub, jti, unknown, padding]): TokenCase => {
  const claims = [subscribe, send, exp, ...nbf, ...iat, ...sub, ...jti, ...unknown, ...padding > 0 ? [{ name: 'padding', value: 'x'.repeat(padding), refusals: none }] : []]
  const text = signed(segment(HEADER), Buffer.from(jsonOf(claims)).toString('base64url'))
  return {
    text,
    refusals: [...claims.flatMap(({ refusals }) => refusals), ...text.length > MAX_TOKEN_LENGTH ? REFUSED : []],
    subscribe: subscribe.value as string[],
    send: send.value as string[]
  }
})

/** A token that is good for everything, of which the rest is made. */
const Good = fc.integer({ min: 60, max: 3_600 }).map((seconds) => signed(segment(HEADER), segment({ subscribe: ['*'], send: ['*'], exp: at(seconds) })))

const refused = (text: string, debatable = false): TokenCase => ({ text, refusals: REFUSED, debatable, subscribe: ['*'], send: ['*'] })

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Tokens that nobody made with the key. */
const Forged: fc.Arbitrary<TokenCase> = fc.oneof(
  // One character is another one. The last one has bits that mean nothing.
  fc.tuple(Good, fc.nat(), fc.nat(62)).map(([text, place, by]) => {
    const index = place % (text.length - 1)
    const old = ALPHABET.indexOf(text.charAt(index))
    return refused(text.slice(0, index) + (old < 0 ? 'A' : ALPHABET.charAt((old + 1 + by) % 64)) + text.slice(index + 1))
  }),
  fc.tuple(Good, fc.nat(), fc.constantFrom('=', '+', '/', '!', '.', '%00', '~', 'A', '..')).map(([text, place, extra]) => {
    const index = place % (text.length + 1)
    // Decoders of base64 that pass over what they do not know find the same signature.
    return refused(text.slice(0, index) + extra + text.slice(index), index > text.lastIndexOf('.') && !extra.includes('.'))
  }),
  fc.tuple(Good, fc.nat()).map(([text, at]) => refused(text.slice(0, 1 + at % (text.length - 2)))),
  Good.map((text) => refused(text.split('.').slice(1).join('.'))),
  Good.map((text) => refused(text.split('.').reverse().join('.'))),
  fc.tuple(Good, Good).map(([one, other]) => refused(`${one}.${other}`)),
  fc.tuple(fc.constantFrom('none', 'None', 'NONE', 'nOnE', 'HS256', 'HS384', 'HS512', 'RS256', 'ES256', 'EdDSA', 'hs256', '', '__proto__', 'constructor', 'toString'), Good, fc.constantFrom('', 'AA', 'sha384', 'sha512', 'other', 'empty')).map(([alg, text, how]) => {
    const claims = text.split('.')[1] ?? ''
    const header = segment({ ...HEADER, alg })
    switch (how) {
      case '': case 'AA': return refused(`${header}.${claims}.${how}`)
      case 'other': return refused(signed(header, claims, 'another-secret-of-thirty-two-chars'))
      case 'empty': return refused(signed(header, claims, ''))
      case 'sha384': case 'sha512': return refused(signed(header, claims, SECRET, how))
    }
  }),
  fc.tuple(fc.constantFrom<unknown>(null, [], 'HS256', 1, {}, { alg: null }, { alg: ['HS256'] }, { alg: { toString: 'HS256' } }), Good).map(([header, text]) => refused(signed(segment(header), text.split('.')[1] ?? ''))),
  fc.constantFrom('', 'x', '{', 'null', '1', '"a"', '[]', '[{"exp":9e9}]', '\0', '{"exp":').map((payload) => refused(signed(segment(HEADER), Buffer.from(payload).toString('base64url')))),
  fc.stringMatching(/^[!-~]{1,60}$/).map((text) => refused(text)),
  fc.constantFrom('.', '..', '...', 'a.b.c', 'e30.e30.', 'null', 'undefined', SECRET, '__proto__', 'x'.repeat(7_000)).map((text) => refused(text))
)

/** Any token, good or not. */
export const Token: fc.Arbitrary<TokenCase> = fc.oneof({ weight: 3, arbitrary: Signed }, { weight: 2, arbitrary: Forged })
