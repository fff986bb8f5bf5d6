import fc from 'fast-check'
import t from 'tap'
import { Opcode } from '../frames.js'
import { upgradeRequest } from '../sockets.js'
import { SECRET, token } from '../tokens.js'
import { type Attempt, attempt } from './attempt.js'
import { casesOf } from './cases.js'
import { MAX_URL_BYTES, type Refusal, wrongRefusal } from './contract.js'
import { hostile } from './hostile.js'
import { brief, exchange } from './http-wire.js'
import { type Header, publishing, request } from './request.js'
import { startTarget, type Target } from './target.js'
import { Channel, covers, Token, type TokenCase } from './token-cases.js'
import { volley } from './volley.js'
import { Witness } from './witness.js'

/** Channels that need no token; the last one is for the time after the attacks. */
const PUBLIC = ['public.*', 'afterwards']
/** Maximum length of all tokens of one request together, so that its head is not too large. */
const MAX_TOGETHER = 12_000

/** Where a token stands; of several the first one counts. */
type Carrier = 'header' | 'protocol' | 'query'

interface Carried {
  channel: string
  token: TokenCase | undefined
  headers: readonly Header[]
  query: string
}

/** A channel, and a token for it that is carried in one of these ways, or several. */
function carried (...carriers: Carrier[]): fc.Arbitrary<Carried> {
  const all: Carrier[] = ['header', 'protocol', 'query']
  return fc.record({ channel: Channel, tokens: fc.array(fc.tuple(fc.constantFrom(...carriers), Token), { maxLength: 2 }), scheme: fc.constantFrom('Bearer', 'bearer', 'BEARER '), behind: fc.boolean() }).map(({ channel, tokens, scheme, behind }) => {
    const one = new Map(tokens.reduce((sum, [, { text }]) => sum + text.length, 0) > MAX_TOGETHER ? tokens.slice(0, 1) : tokens)
    const first = all.find((carrier) => one.has(carrier))
    const [header, protocol, query] = all.map((carrier) => one.get(carrier)?.text)
    const offered = protocol === undefined ? undefined : `token.${encoded(protocol)}`
    return {
      channel,
      token: first === undefined ? undefined : one.get(first),
      headers: [
        ...header === undefined ? [] : [['Authorization', `${scheme} ${header}`] as const],
        ...offered === undefined ? [] : [['Sec-WebSocket-Protocol', behind ? `messenger, ${offered}` : `${offered},messenger`] as const]
      ],
      query: query === undefined ? '' : `token=${encoded(query)}`
    }
  })
}

/** Text as it may stand in a URL or a subprotocol. */
function encoded (text: string): string {
  return encodeURIComponent(text).replace(/[()]/g, (character) => `%${character.charCodeAt(0).toString(16)}`)
}

/** Why a subscriber is refused, in the order of the documentation. */
function refusalsOf ({ channel, token, query }: Carried): Refusal[] {
  if (query.length >= MAX_URL_BYTES) return ['URL_TOO_LONG']
  if (covers(PUBLIC, channel)) return []
  if (token === undefined) return ['TOKEN_REQUIRED']
  if (token.refusals.length > 0) return [...token.refusals]
  return covers(token.subscribe, channel) ? [] : ['CHANNEL_FORBIDDEN']
}

const Read = carried('header', 'query').map((one): Attempt => ({
  wire: request('GET', `/${one.channel}?${one.query}`, one.headers),
  refusals: refusalsOf(one),
  debatable: one.token?.debatable === true,
  wrong: ({ body }) => (JSON.parse(body) as { channel: string }).channel === one.channel ? undefined : 'It is of another channel'
}))

const Publish = fc.tuple(Channel, fc.option(Token, { nil: undefined }), fc.nat()).map(([channel, token, message]): Attempt => {
  const refusals = token === undefined ? ['TOKEN_MISSING'] : token.refusals.length > 0 ? ['TOKEN_INVALID'] : covers(token.send, channel) ? [] : ['CHANNEL_FORBIDDEN']
  return {
    wire: publishing({ target: `/send/${channel}`, body: `{"message":${message}}`, authorization: token === undefined ? [] : [['Authorization', `Bearer ${token.text}`]] }),
    refusals,
    debatable: token?.debatable === true,
    publishes: { channel, text: String(message) }
  }
})

/** Opens a WebSocket; resolves with the code of the close, or `undefined` when it says that it is subscribed. */
async function open (target: Target, { channel, headers, query }: Carried): Promise<{ code: number, reason: string } | undefined> {
  const connection = await target.connect()
  try {
    connection.write(upgradeRequest(`/${channel}?since=now&${query}`).replace('Host: test\r\n', (host) => host + headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')))
    const head = await connection.readHead()
    if (head.startsWith('HTTP/1.1 414 ')) return { code: 414, reason: '' }
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`Not upgraded: ${head}`)
    const offers = headers.some(([name]) => name === 'Sec-WebSocket-Protocol')
    if (/^Sec-WebSocket-Protocol: (.*)$/m.exec(head)?.[1] !== (offers ? 'messenger' : undefined)) throw new Error(`Another protocol than messenger: ${head}`)
    const { opcode, payload } = await connection.readFrame()
    if (opcode !== Opcode.CLOSE) return undefined
    return { code: payload.readUInt16BE(0), reason: payload.subarray(2).toString() }
  } finally {
    connection.socket.destroy()
  }
}

function wrongClose (one: Carried, closed: { code: number, reason: string } | undefined): string | undefined {
  const refusals = refusalsOf(one)
  if (closed === undefined) return refusals.length === 0 || one.token?.debatable === true ? undefined : `subscribed in spite of ${refusals.join()}`
  if (closed.code === 414) return refusals.includes('URL_TOO_LONG') ? undefined : 'The URL is not too long'
  const reason = closed.reason.replace('MSG_ERR_', '')
  if (!refusals.includes(reason)) return `closed because of ${reason} and not of ${refusals.join()}`
  return closed.code === (reason === 'CHANNEL_FORBIDDEN' ? 4_403 : 4_401) ? undefined : `closed with ${closed.code}`
}

/** A member of a body, right or wrong. */
interface Member {
  name: string
  value: unknown
  wrong?: true
}

const member = (name: string, right: readonly unknown[], wrong: readonly unknown[]): fc.Arbitrary<Member> => fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...right).map((value): Member => ({ name, value })) },
  fc.constantFrom(...wrong).map((value): Member => ({ name, value, wrong: true }))
)
const LISTS = [[], ['*'], ['room', 'a*'], Array(100).fill('x'), ['--', '@', '.*']]
const NO_LISTS = [null, '*', 1, {}, [1], [null], [''], ['a b'], ['é'], ['x'.repeat(101)], Array(101).fill('x'), [['a']], true]
const NAMES = ['a', 'é', '🎉', ' ', '__proto__', 'n'.repeat(255)]
const NO_NAMES = [null, '', 1, [], {}, true, 'n'.repeat(256)]
const Stranger = fc.constantFrom('exp', 'iat', 'admin', 'Subscribe', 'iss', '').map((name): Member => ({ name, value: 1, wrong: true }))

/** Objects of some of these members, each at most once. */
function bodyOf (...members: fc.Arbitrary<Member>[]): fc.Arbitrary<Member[]> {
  const optional = members.map((one, index) =>
    fc.oneof({ weight: index < 2 ? 3 : 1, arbitrary: one.map((found) => [found]) }, fc.constant([])))
  return fc.tuple(...optional).map((found) => found.flat())
}

function textOf (members: readonly Member[]): string {
  return JSON.stringify(Object.fromEntries(members.map(({ name, value }) => [name, value])))
}

/** Bodies that are not objects. */
const NoObject = fc.constantFrom('', '[]', 'null', '1', '"a"', '{', '[{"subscribe":["*"]}]', '{"subscribe":["*"]', '\xff').map((body) => ({ body, refusals: ['BODY_INVALID', 'GRANT_INVALID'] }))

const Mint = fc.oneof({ weight: 8, arbitrary: bodyOf(
  member('subscribe', LISTS, NO_LISTS), member('send', LISTS, NO_LISTS), member('sub', NAMES, NO_NAMES), member('jti', NAMES, NO_NAMES),
  member('ttl', [1, 60, 2_592_000], [0, -1, 1.5, '60', null, 2_592_001, 1e300, true]), fc.oneof({ weight: 1, arbitrary: Stranger })
).map((members) => {
  const has = (name: string): unknown => members.find((one) => one.name === name)?.value
  const fine = members.every(({ wrong }) => wrong !== true) && (has('subscribe') !== undefined || has('send') !== undefined)
  return { body: Buffer.from(textOf(members)).toString('latin1'), refusals: fine ? [] : ['GRANT_INVALID'], members }
}) }, NoObject.map((one) => ({ ...one, members: [] as Member[] }))).map(({ body, refusals, members }): Attempt => ({
  wire: publishing({ target: '/-/tokens', body }),
  refusals,
  wrong ({ body }) {
    const { token, jti, exp } = JSON.parse(body) as { token: string, jti: string, exp: number }
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>
    for (const { name, value } of members) if (name !== 'ttl' && JSON.stringify(claims[name]) !== JSON.stringify(value)) return `Its ${name} is ${JSON.stringify(claims[name])}`
    return claims['jti'] === jti && claims['exp'] === exp ? undefined : 'It is another one than is said'
  }
}))

let subjects = 0
/** Requests to revoke, each of a name of its own. */
const Revoke = fc.oneof({ weight: 8, arbitrary: bodyOf(
  member('sub', ['?'], NO_NAMES), member('jti', ['?'], NO_NAMES), member('exp', [4e9, 4e9 + 0.5, 1e300], [-1, '1', null, [], true]), Stranger.filter(({ name }) => name !== 'exp')
).map((members) => {
  const named = members.filter(({ name }) => name === 'sub' || name === 'jti')
  const fine = members.every(({ wrong }) => wrong !== true) && named.length === 1
  return { members, refusals: fine ? [] : ['GRANT_INVALID'] }
}) }, NoObject.map((one) => ({ ...one, members: undefined })))

t.test('tokens', async (t) => {
  const target = await startTarget(t, { TOKEN_SECRET: SECRET, PUBLIC_CHANNELS: PUBLIC.join() })
  await hostile(t, target, async (t) => {
    t.test('let a subscriber read what they cover and nothing else, or are refused for what is wrong with them', async (t) => {
      await volley(t, Read, casesOf('tokens') * 0.35, async (attempts) => { await attempt(target, attempts, {}) })
    })

    t.test('open a WebSocket to what they cover, or close it with the code that says what to do', async (t) => {
      await volley(t, carried('header', 'protocol', 'query'), casesOf('tokens') * 0.25, async (cases) => {
        const closes = await Promise.all(cases.map((one) => open(target, one)))
        for (const [index, one] of cases.entries()) {
          const wrong = wrongClose(one, closes[index])
          if (wrong !== undefined) throw new Error(`${wrong}: ${one.channel} ${brief(JSON.stringify(one.token))} ${brief(JSON.stringify(one.headers))}`)
        }
      })
    })

    t.test('let a publisher send to what they cover and nothing else', async (t) => {
      const witnesses = { 'public.a': await Witness.on(t, target, 'public.a') }
      await volley(t, Publish, casesOf('tokens') * 0.2, async (attempts) => { await attempt(target, attempts, witnesses) })
    })

    t.test('are made as they are asked for, or not at all', async (t) => {
      await volley(t, Mint, casesOf('tokens') * 0.1, async (attempts) => { await attempt(target, attempts, {}) })
    })

    t.test('are good for nothing once they are revoked', async (t) => {
      await volley(t, Revoke, casesOf('tokens') * 0.1, async (cases) => {
        // Made before: one that a subject gets in a later second is good.
        const named = cases.map((one) => {
          const subject = `subject ${subjects++}`
          return { ...one, subject, text: token({ sub: subject, jti: subject }) }
        })
        const bodies = named.map(({ members, subject, ...rest }) => members === undefined ? (rest as unknown as { body: string }).body : textOf(members.map((one) => one.value === '?' ? { ...one, value: subject } : one)))
        await attempt(target, named.map(({ refusals }, index): Attempt => ({ wire: publishing({ target: '/-/revocations', body: bodies[index] ?? '' }), refusals })), {})
        const answers = await exchange(target.port, named.map(({ text }) => ({ wire: request('GET', '/room', [['Authorization', `Bearer ${text}`]]) })))
        for (const [index, { refusals }] of named.entries()) {
          const answer = answers[index]
          const wrong = answer === undefined ? 'There was no answer' : refusals.length === 0 ? wrongRefusal(answer, ['TOKEN_REVOKED']) : answer.status === 200 ? undefined : `answered ${answer.body}`
          if (wrong !== undefined) throw new Error(`${wrong} behind ${bodies[index] ?? ''}`)
        }
      })
    })
  })
})
