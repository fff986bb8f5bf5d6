import fc from 'fast-check'
import t from 'tap'
import { type Attempt, attempt } from './attempt.js'
import { casesOf } from './cases.js'
import { MAX_URL_BYTES, type Refusal } from './contract.js'
import { hostile } from './hostile.js'
import { exchange } from './http-wire.js'
import { publishing, request } from './request.js'
import { startTarget, type Target } from './target.js'
import { volley } from './volley.js'

/** The time in an envelope. */
const TIME = /,"time":\d{13}(?=,"id":)/g
const KEPT = 5

/** One parameter as it stands in the query, and what it makes of the request. */
interface Parameter {
  name: string
  text: string
  refusals: readonly Refusal[]
  /** Messages at most. */
  limit?: number
  /** The offset of a position in the log that there is, or `undefined` for another log. */
  since?: string
}

const Junk = fc.oneof(
  fc.constantFrom('', '%', '%zz', '%00', '%0d%0a', '%C0%AE', '%FF', '+', '=', '[]', '[0]', '{}', '__proto__', 'constructor', 'toString', 'null', 'undefined', 'true', 'NaN', 'Infinity', '-Infinity', '%F0%9F%8E%89', "'", ';', ',', '1,2', '%25', '%2B1', '%E2%80%AE'),
  fc.string({ maxLength: 20 }).map(encodeURIComponent),
  fc.string({ unit: 'grapheme', maxLength: 8 }).map(encodeURIComponent),
  fc.constantFrom('9', 'a', '%39', '0').map((digit) => digit.repeat(1_000))
)
const NotNumbers = fc.oneof(Junk, fc.constantFrom('-1', '-0', '1.5', '1e2', '0x10', '+1', '1_000', '%D9%A3', '%EF%BC%91', '1%20', '%20', '1%00', '1%0A', '1n', '99999999999999999999', '1e309', '0.0', '1.', '.5', '1001', '4294967297', '18446744073709551617'))

function decoded (text: string): string {
  return new URLSearchParams(`x=${text}`).get('x') ?? ''
}

/** A number that the parameter takes, with or without leading zeros, or something else. */
function numeric (name: string, minimum: number, maximum: number): fc.Arbitrary<Parameter> {
  const judge = (text: string): Parameter => {
    const value = decoded(text)
    const taken = /^\d{1,9}$/.test(value) && Number(value) >= minimum && Number(value) <= maximum
    return { name, text, refusals: taken ? [] : ['QUERY_INVALID'], ...(taken && name === 'limit' ? { limit: Number(value) } : {}) }
  }
  return fc.oneof(
    fc.constantFrom(minimum - 1, minimum, minimum + 1, maximum - 1, maximum, maximum + 1).map((number) => judge(String(number))),
    fc.integer({ min: minimum, max: maximum }).map((number) => judge(`%3${String(number).charAt(0)}${String(number).slice(1)}`)),
    NotNumbers.map(judge)
  )
}

function since (epoch: string): fc.Arbitrary<Parameter> {
  const judge = (text: string): Parameter => {
    const value = decoded(text)
    if (value === '') return { name: 'since', text, refusals: [] }
    const isId = /^[A-Za-z0-9_-]{1,64}:(0|[1-9]\d{0,15})$/.test(value) && Number(value.split(':')[1]) <= Number.MAX_SAFE_INTEGER
    return value === 'earliest' || value === 'now' || isId ? { name: 'since', text, refusals: [], since: value } : { name: 'since', text, refusals: ['SINCE_INVALID'] }
  }
  return fc.oneof(
    fc.constantFrom('earliest', 'now', '%65arliest', 'n%6Fw', ...Array.from({ length: KEPT + 2 }, (_, offset) => `${epoch}:${offset}`), `${epoch}%3A2`).map(judge),
    fc.tuple(fc.constantFrom(epoch, 'other', '', '__proto__', 'a%20b', '-', '%C3%A9'), fc.constantFrom(':', '::', '%3A', '', ';'), fc.constantFrom('0', '1', '-1', '00', '01', '1.0', '1e0', '9007199254740991', '9007199254740992', '99999999999999999999', '', '%20', '+1', '%31')).map((parts) => judge(parts.join(''))),
    Junk.map(judge),
    fc.constantFrom('EARLIEST', 'latest', 'now%20', '%20now', 'now%00', 'earliest%0A').map(judge)
  )
}

const Heartbeat: fc.Arbitrary<Parameter> = Junk.map((text) => ({ name: 'heartbeat', text, refusals: [] }))
const Unknown: fc.Arbitrary<Parameter> = fc.tuple(fc.constantFrom('x', '__proto__', 'constructor', 'toString', 'since[]', 'since.x', 'Since', 'LIMIT', 'token', '', '%73ince%00', 'callback'), Junk).map(([name, text]) => ({ name, text, refusals: [] }))

function query (epoch: string): fc.Arbitrary<Attempt> {
  const parameter = fc.oneof({ weight: 3, arbitrary: since(epoch) }, { weight: 3, arbitrary: numeric('limit', 1, 1_000) }, { weight: 2, arbitrary: numeric('wait', 0, 60).filter(({ text, refusals }) => refusals.length > 0 || Number(decoded(text)) === 0) }, Heartbeat, Unknown)
  return fc.tuple(fc.array(parameter, { maxLength: 4 }), fc.constantFrom('&', '&', '&', '&&')).map(([parameters, separator]) => {
    // A parameter that is there twice is no value.
    const repeated = (name: string): boolean => parameters.filter((one) => one.name === name).length > 1
    const refusals = parameters.flatMap(({ name, refusals }) => repeated(name) ? [name === 'since' ? 'SINCE_INVALID' : name === 'limit' || name === 'wait' ? 'QUERY_INVALID' : []].flat() : refusals)
    const limit = parameters.find((one) => one.limit !== undefined)?.limit ?? 100
    const position = parameters.find((one) => one.since !== undefined)?.since
    const target = `/kept?${parameters.map(({ name, text }) => `${name}=${text}`).join(separator)}`
    return {
      wire: request('GET', target),
      refusals: target.length > MAX_URL_BYTES ? ['URL_TOO_LONG'] : refusals,
      wrong: ({ body }) => body.replaceAll(TIME, '') === expectedAnswer(epoch, position, limit) ? undefined : `Not ${expectedAnswer(epoch, position, limit)}`
    }
  })
}

/** The answer for the channel `kept`, whose messages are its offsets, without their times. */
function expectedAnswer (epoch: string, since = 'earliest', limit: number): string {
  const [log, text] = since.split(':')
  const offset = since === 'earliest' ? 0 : since === 'now' ? KEPT : Number(text)
  const known = text === undefined || (log === epoch && offset <= KEPT)
  const after = known ? offset : 0
  const offsets = Array.from({ length: KEPT }, (_, index) => index + 1).filter((one) => one > after).slice(0, limit)
  return JSON.stringify({
    channel: 'kept',
    messages: offsets.map((one) => ({ channel: 'kept', message: one, id: `${epoch}:${one}` })),
    id: `${epoch}:${offsets.at(-1) ?? after}`,
    ...(known ? { recovered: true } : { recovered: false, reason: 'epoch' })
  })
}

/** Fills the channel `kept`; resolves with the epoch of its log. */
async function fill (target: Target): Promise<string> {
  const answers = await exchange(target.port, Array.from({ length: KEPT }, (_, index) => ({ wire: publishing({ target: '/send/kept', body: `{"message":${index + 1}}` }) })))
  return (JSON.parse(answers[0]?.body ?? '') as { id: string }).id.replace(/:1$/, '')
}

t.test('queries', async (t) => {
  const target = await startTarget(t)
  await hostile(t, target, async (t) => {
    t.test('are answered with exactly what they ask for, or refused', async (t) => {
      await volley(t, query(await fill(target)), casesOf('queries'), async (attempts) => { await attempt(target, attempts, {}) })
    })
  })
})
