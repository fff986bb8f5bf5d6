import fc from 'fast-check'
import t from 'tap'
import { type Attempt, attempt } from './attempt.js'
import { casesOf } from './cases.js'
import { endsConnection, MAX_HEAD_BYTES, MAX_URL_BYTES, NO_HTTP, percentDecoded, type Refusal, refusalsOfName, TOO_LARGE } from './contract.js'
import { exchange } from './http-wire.js'
import { hostile } from './hostile.js'
import { publishing, request } from './request.js'
import { startTarget } from './target.js'
import { volley } from './volley.js'
import { Witness } from './witness.js'

const LONGEST = 'n'.repeat(100)
/** Channels that no other name may reach. */
const VICTIMS = ['room', '__proto__', 'constructor', 'send', '_', 'a:b@c=d+e~f-g.h', LONGEST]

const encoded = (bytes: readonly number[]): string => bytes.map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
const percent = (text: string): string => encoded([...Buffer.from(text)])

const Plain = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...VICTIMS) },
  fc.constantFrom('client.js', 'client.mjs', 'index.html', 'page.css', 'page.js', 'CLIENT.JS', 'toString', 'hasOwnProperty', 'valueOf', 'prototype', '__defineGetter__', '-', '-/live', '-/ready', '.', '..', '~', '=', 'nul', 'earliest', 'favicon.ico', 'robots.txt', 'healthz', 'livez', 'readyz', 'READYZ'),
  fc.stringMatching(/^[A-Za-z0-9_.:@=+~-]{0,20}$/)
)

/** Parts of a path that decode to what no name has, to nothing, or are not allowed in a request at all. */
const Odd = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('/', '//', '/..', '/.', '\\', ';', ';a=b', '#', '#a', '?', '?a=%', '&', '*', '$', '!', "'", '(', '|', '^', '`', '{', '[', '"', '<', ',') },
  { weight: 3, arbitrary: fc.constantFrom('%2F', '%2f', '%5C', '%2e%2e%2f', '%252F', '%2541', '%25', '%00', '%0D%0A', '%09', '%20', '%7F', '%3F', '%23', '%3B', '%2C', '%22', '%27') },
  { weight: 2, arbitrary: fc.constantFrom('%', '%2', '%zz', '%u0041', '%%', '%C0%AE', '%C0%AF', '%E0%80%AF', '%F0%80%80%AF', '%ED%A0%80', '%F4%90%80%80', '%80', '%E2%82', '%FF', '%FE%FF', '%EF%BB%BF') },
  // Look-alikes of letters, and characters that are not seen.
  { weight: 2, arbitrary: fc.constantFrom('ｒ', 'о', 'а', 'ℝ', '\u0301', '\u200b', '\u202e', '\ufeff', '\u00ad', '．', '／', '․', '＿', '🎉', 'İ', 'ß', '\u2028', '\ufffd').map(percent) },
  fc.array(fc.nat(255), { minLength: 1, maxLength: 4 }).map(encoded),
  fc.constantFrom(' ', '\t', '\0', '\r', '\n', '\r\n', '\x7f', '\x80', '\xe9', '\xff', '\xc3\xa9', '\x0b', '\x1b')
)

/** A name with some of its characters percent-encoded, which changes nothing. */
const Encoded = fc.tuple(Plain, fc.infiniteStream(fc.nat(3))).map(([name, choices]) => Array.from(name, (character) => {
  const { value } = choices.next() as IteratorYieldResult<number>
  return value === 0 ? percent(character) : value === 1 ? percent(character).toUpperCase() : character
}).join(''))

const Lengthy = fc.tuple(fc.constantFrom('a', '%61', '%C3%A9', '.', '/'), fc.oneof(fc.integer({ min: 95, max: 105 }), fc.constantFrom(1_365, 1_366, 4_095, 4_096, 4_097, 15_000, 20_000)))
  .map(([part, count]) => part.repeat(Math.min(count, Math.floor(20_000 / part.length))))

const Segment = fc.oneof(
  { weight: 4, arbitrary: Encoded },
  { weight: 6, arbitrary: fc.array(fc.oneof(Plain, Odd, Encoded), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('')) },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constantFrom(...VICTIMS), Odd, fc.boolean())
      .map(([victim, odd, before]) => before ? odd + victim : victim + odd)
  },
  Odd,
  { weight: 1, arbitrary: Lengthy }
)

interface Destination {
  channel: string
  refusals: Refusal[]
  debatable?: boolean
}

/** The channel that a path leads to, or why there is none. */
function resolve (written: string, action: 'publish' | 'read'): Destination {
  const elsewhere: Refusal = action === 'read' ? 'NOT_FOUND' : 'CHANNEL_INVALID'
  // Several spaces before the version are as good as one (RFC 9112, section 3). A line break ends the request line, and Node
  // takes one that has no version: what follows is a header or nonsense.
  const path = written.replace(/ +$/, '')
  if (/[\r\n]/.test(path)) {
    const { channel, refusals } = resolve(path.split(/[\r\n]/)[0] ?? '', action)
    return { channel, refusals: [NO_HTTP, ...refusals], debatable: refusals.length === 0 }
  }
  if (/[^!-~]/.test(path)) return { channel: '', refusals: [NO_HTTP, TOO_LARGE] }
  if (path.length > MAX_HEAD_BYTES) return { channel: '', refusals: [TOO_LARGE] }
  const [segment = ''] = path.split(/[?#]/)
  const channel = percentDecoded(segment)
  if (channel === undefined) return { channel: '', refusals: ['URL_INVALID'] }
  const parts = segment.split('/')
  // Of POST alone. What is longer than the router looks at is nothing at all.
  if (action === 'read' && parts.length === 2 && percentDecoded(parts[0] as string) === 'send') return { channel, refusals: channel.length > 1_000 ? ['METHOD_NOT_ALLOWED', elsewhere] : ['METHOD_NOT_ALLOWED'] }
  if (parts.length > 1) return { channel, refusals: [elsewhere] }
  // Longer than the router looks at: it is nothing at all to a subscriber.
  return { channel, refusals: channel.length > 1_000 ? [...refusalsOfName(channel, action), elsewhere] : refusalsOfName(channel, action) }
}

const Publish = fc.tuple(Segment, fc.nat()).map(([segment, message]): Attempt => {
  const { channel, refusals, debatable = false } = resolve(segment, 'publish')
  return { wire: publishing({ target: `/send/${segment}`, body: `{"message":${message}}` }), refusals, debatable, ends: endsConnection(refusals), publishes: { channel, text: String(message) } }
})

const Read = Segment.map((segment): Attempt => {
  const { channel, refusals, debatable = false } = resolve(segment, 'read')
  // Of a subscription alone.
  if (segment.length >= MAX_URL_BYTES) refusals.push('URL_TOO_LONG')
  const isFile = channel === '' || channel === '-/live' || channel === '-/ready' || refusals.includes('CHANNEL_RESERVED')
  return {
    wire: request('GET', `/${segment}`),
    refusals,
    ends: endsConnection(refusals),
    debatable: debatable || isFile,
    wrong: ({ body }) => isFile || (JSON.parse(body) as { channel: string }).channel === channel ? undefined : 'It is of another channel'
  }
})

t.test('channel names', async (t) => {
  const target = await startTarget(t)
  await hostile(t, target, async (t) => {
    t.test('reach the channel that they name and no other, or are refused, however they are written', async (t) => {
      const entries = VICTIMS.map(async (name) => [name, await Witness.on(t, target, name)] as const)
      const witnesses = Object.fromEntries(await Promise.all(entries))
      await volley(t, Publish, casesOf('names') / 3 * 2, async (attempts) => {
        const others = (await attempt(target, attempts, witnesses)).filter(({ channel }) => !VICTIMS.includes(channel))
        const kept = await exchange(target.port, others.map(({ channel }) => ({ wire: request('GET', `/${channel}`) })))
        for (const [index, { id, text = '' }] of others.entries()) {
          if (kept[index]?.body.replaceAll(/,"time":\d{13}(?=,"id":)/g, '').includes(`"message":${text},"id":"${id}"`) !== true) throw new Error(`${id} is not kept: ${String(kept[index]?.body)}`)
        }
      })
    })

    t.test('are read under the name that they decode to, or refused', async (t) => {
      await volley(t, Read, casesOf('names') / 3, async (attempts) => { await attempt(target, attempts, {}) })
    })
  })
})
