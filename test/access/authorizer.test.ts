import t from 'tap'
import { BearerTokens } from '../../src/access/bearer-tokens.js'
import type { Credential } from '../../src/access/credential.js'
import { type Authorize, Authorizer, type AuthorizerOptions } from '../../src/access/authorizer.js'
import type { Grant } from '../../src/access/grant.js'
import { Patterns } from '../../src/access/patterns.js'
import { Revocations, revocationText } from '../../src/access/revocations.js'
import { TokenVerifier } from '../../src/access/token-verifier.js'
import { FakeClock } from '../clock.js'
import { rejection, thrown } from '../codes.js'
import { goodJwt, SECRET, seconds } from '../tokens.js'

const REQUEST = 'a request'

function verifier (): TokenVerifier {
  return new TokenVerifier({ keys: [{ algorithm: 'HS256', key: SECRET }], keySet: undefined, issuers: [], audiences: [], maxTtlMs: 86_400_000 })
}

/** A verifier that has to ask somebody first. */
function asyncVerifier (): TokenVerifier {
  const inner = verifier()
  return { verify: async (token: string) => await Promise.resolve(inner.verify(token)) } as unknown as TokenVerifier
}

function createAuthorizer (
  options: Partial<AuthorizerOptions<string>> = {}
): { authorizer: Authorizer<string>, revocations: Revocations, errors: unknown[] } {
  const errors: unknown[] = []
  const revocations = new Revocations()
  const authorizer = new Authorizer<string>({
    bearerTokens: new BearerTokens(['publisher']),
    verifier: undefined,
    revocations,
    publicChannels: new Patterns([]),
    authorize: undefined,
    authorizeTimeoutMs: 1_000,
    onError (request, error) { errors.push([request, error]) },
    ...options
  })
  return { authorizer, revocations, errors }
}

function inQuery (token: string): Credential {
  return { token, inHeader: false }
}

function revokeUser (revocations: Revocations): void {
  revocations.add(revocationText({ claim: 'sub', value: 'user', at: Date.now(), until: Date.now() + 1_000 }))
}

t.test('an authorizer', async (t) => {
  t.test('is open when neither tokens nor a host decide, for whatever credential', async (t) => {
    const { authorizer } = createAuthorizer()
    t.match(authorizer, { isOpen: true, verifies: false, asksHost: false })
    for (const credential of [undefined, inQuery('nonsense')]) t.match(authorizer.admit(REQUEST, credential, 'room'), { canEnd: false })
  })

  t.test('asks for a token where tokens decide', async (t) => {
    const { authorizer } = createAuthorizer({ verifier: verifier() })
    t.match(authorizer, { isOpen: false, verifies: true, asksHost: false })
    t.equal(thrown(() => authorizer.admit(REQUEST, undefined, 'room')), 'MSG_ERR_TOKEN_REQUIRED')
    t.match(authorizer.admit(REQUEST, inQuery(goodJwt({ subscribe: ['ro*'], sub: 'user' })), 'room'), { subject: 'user' })
    t.equal(thrown(() => authorizer.admit(REQUEST, inQuery(goodJwt({ subscribe: ['other'], send: ['room'] })), 'room')), 'MSG_ERR_CHANNEL_FORBIDDEN')
    t.equal(thrown(() => authorizer.admit(REQUEST, inQuery('nonsense'), 'room')), 'MSG_ERR_TOKEN_REFUSED')
    t.equal(thrown(() => authorizer.admit(REQUEST, inQuery(goodJwt({ exp: seconds(-1) })), 'room')), 'MSG_ERR_TOKEN_EXPIRED')
  })

  t.test('admits all clients to public channels', async (t) => {
    const { authorizer } = createAuthorizer({ verifier: verifier(), publicChannels: new Patterns(['news*']) })
    for (const credential of [undefined, inQuery('nonsense')]) t.match(authorizer.admit(REQUEST, credential, 'news:1'), { canEnd: false })
    t.equal(thrown(() => authorizer.admit(REQUEST, undefined, 'room')), 'MSG_ERR_TOKEN_REQUIRED')
  })

  t.test('takes a token of publishers in the header alone, where no log has it', async (t) => {
    const { authorizer } = createAuthorizer({ verifier: verifier() })
    t.match(authorizer.admit(REQUEST, { token: 'publisher', inHeader: true }, 'room'), { canEnd: false })
    t.equal(thrown(() => authorizer.admit(REQUEST, inQuery('publisher'), 'room')), 'MSG_ERR_TOKEN_REFUSED')
    t.equal(thrown(() => authorizer.admit(REQUEST, { token: 'other', inHeader: true }, 'room')), 'MSG_ERR_TOKEN_REFUSED')
    t.match(authorizer.admit(REQUEST, { token: goodJwt(), inHeader: true }, 'room'), { subject: undefined })
  })

  t.test('does not take a token that was revoked', async (t) => {
    for (const check of [verifier(), asyncVerifier()]) {
      const { authorizer, revocations } = createAuthorizer({ verifier: check })
      const token = goodJwt({ sub: 'user' })
      t.match(await authorizer.admit(REQUEST, inQuery(token), 'room'), { subject: 'user' })
      revokeUser(revocations)
      t.equal(await rejection((async () => await authorizer.admit(REQUEST, inQuery(token), 'room'))()), 'MSG_ERR_TOKEN_REVOKED')
    }
  })

  t.test('answers later where the keys have to be fetched', async (t) => {
    const { authorizer } = createAuthorizer({ verifier: asyncVerifier() })
    const admitted = authorizer.admit(REQUEST, inQuery(goodJwt({ subscribe: ['room'] })), 'room')
    t.ok(admitted instanceof Promise)
    await admitted
    t.equal(await rejection(authorizer.admit(REQUEST, inQuery(goodJwt({ subscribe: ['room'] })), 'other') as Promise<Grant>), 'MSG_ERR_CHANNEL_FORBIDDEN')
  })
})

t.test('a host', async (t) => {
  const hosted = (authorize: Authorize<string>, options: Partial<AuthorizerOptions<string>> = {}): ReturnType<typeof createAuthorizer> =>
    createAuthorizer({ authorize, ...options })
  const admission = async (authorizer: Authorizer<string>, credential?: Credential): Promise<Grant> => await authorizer.admit(REQUEST, credential, 'room')

  t.test('is asked about the request, the channel and the action', async (t) => {
    const asked: unknown[] = []
    const { authorizer } = hosted((...args) => { asked.push(args); return true })
    t.match(authorizer, { isOpen: false, asksHost: true })
    t.match(await admission(authorizer), { canEnd: false })
    await authorizer.authorize(REQUEST, 'other', 'send')
    t.strictSame(asked, [[REQUEST, 'room', 'subscribe'], [REQUEST, 'other', 'send']])
  })

  t.test('is not asked where a token, a public channel or a token of publishers decides', async (t) => {
    let asked = 0
    const { authorizer } = hosted(() => { asked++; return true }, { verifier: verifier(), publicChannels: new Patterns(['news']) })
    await admission(authorizer, inQuery(goodJwt()))
    t.equal(await rejection(admission(authorizer, inQuery(goodJwt({ subscribe: [] })))), 'MSG_ERR_CHANNEL_FORBIDDEN', 'what a token says is not overruled')
    t.equal(await rejection(admission(authorizer, inQuery('nonsense'))), 'MSG_ERR_TOKEN_REFUSED')
    await authorizer.admit(REQUEST, undefined, 'news')
    await admission(authorizer, { token: 'publisher', inHeader: true })
    t.equal(asked, 0)
    await admission(authorizer)
    t.equal(asked, 1)
  })

  t.test('refuses by returning false', async (t) => {
    for (const authorize of [() => false, async () => await Promise.resolve(false)]) t.equal(await rejection(admission(hosted(authorize).authorizer)), 'MSG_ERR_CHANNEL_FORBIDDEN')
    await t.rejects(hosted(() => false).authorizer.authorize(REQUEST, 'room', 'send'), { message: 'Not allowed to send to channel "room": ask for a token that covers it' })
  })

  t.test('may return the end of the grant, and the subject', async (t) => {
    const end = Date.now() + 60_000
    for (const expiresAt of [end, new Date(end)])
      t.match(await admission(hosted(() => ({ expiresAt })).authorizer), { expiresAt: end, subject: undefined, canEnd: true })
    t.match(await admission(hosted(() => ({ subject: 'user' })).authorizer), { subject: 'user', expiresAt: Infinity })
    t.match(await admission(hosted(() => ({})).authorizer), { canEnd: false })
  })

  t.test('that names a time in the past, or none, asks for other credentials', async (t) => {
    for (const expiresAt of [Date.now() - 1, new Date(0), NaN, new Date(NaN)]) t.equal(await rejection(admission(hosted(() => ({ expiresAt })).authorizer)), 'MSG_ERR_TOKEN_REQUIRED', String(expiresAt))
  })

  t.test('that throws or rejects says no, and what it threw is told', async (t) => {
    const error = new Error('no such table')
    for (const authorize of [() => { throw error }, async () => await Promise.reject(error)]) {
      const { authorizer, errors } = hosted(authorize)
      t.equal(await rejection(admission(authorizer)), 'MSG_ERR_CHANNEL_FORBIDDEN')
      t.strictSame(errors, [[REQUEST, error]])
    }
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- a host may
    t.equal(await rejection(admission(hosted(() => { throw undefined }).authorizer)), 'MSG_ERR_CHANNEL_FORBIDDEN')
  })

  t.test('that throws an error with status 401 asks for other credentials', async (t) => {
    const { authorizer } = hosted(() => { throw Object.assign(new Error('who are you?'), { statusCode: 401 }) })
    t.equal(await rejection(admission(authorizer)), 'MSG_ERR_TOKEN_REQUIRED')
  })

  t.test('that does not answer in time is not waited for, and what it says later means nothing', async (t) => {
    const clock = new FakeClock(t)
    let reject: (error: Error) => void = () => undefined
    const { authorizer, errors } = hosted(async () => await new Promise((_resolve, fail) => { reject = fail }))
    const admitted = rejection(admission(authorizer))
    clock.pass(999)
    t.equal(clock.timers, 1)
    clock.pass(1)
    t.equal(await admitted, 'MSG_ERR_AUTHORIZATION_UNAVAILABLE')
    reject(new Error('too late'))
    t.match([clock.timers, errors.length], [0, 0])
  })

  t.test('that answers leaves no timer', async (t) => {
    const clock = new FakeClock(t)
    await admission(hosted(() => true).authorizer)
    await rejection(admission(hosted(() => { throw new Error('no') }).authorizer))
    t.equal(clock.timers, 0)
  })

  t.test('that returns nothing, or nonsense, says no; the nonsense is told', async (t) => {
    for (const nothing of [undefined, null, 0, '']) {
      const { authorizer, errors } = hosted((() => nothing) as unknown as Authorize<string>)
      t.equal(await rejection(admission(authorizer)), 'MSG_ERR_CHANNEL_FORBIDDEN')
      t.strictSame(errors, [])
    }
    for (const nonsense of [1, 'yes', [], [true], { allowed: false }, { subject: 'user', allowed: true }, () => true]) {
      const { authorizer, errors } = hosted((() => nonsense) as unknown as Authorize<string>)
      t.equal(await rejection(admission(authorizer)), 'MSG_ERR_CHANNEL_FORBIDDEN', JSON.stringify(nonsense))
      t.match(errors, [[REQUEST, { message: /^authorize\(\) must return/ }]])
    }
  })

  t.test('denies access to a subject that was revoked while authorize() was asked', async (t) => {
    let answer: (decision: { subject: string }) => void = () => undefined
    const { authorizer, revocations } = hosted(async () => await new Promise((resolve) => { answer = resolve }))
    const admitted = admission(authorizer)
    revokeUser(revocations)
    answer({ subject: 'user' })
    t.equal(await rejection(admitted), 'MSG_ERR_TOKEN_REVOKED')
  })

  t.test('lets a subject in that was revoked before it was asked', async (t) => {
    const clock = new FakeClock(t)
    const { authorizer, revocations } = hosted(() => ({ subject: 'user' }))
    revokeUser(revocations)
    clock.pass(1)
    t.match(await admission(authorizer), { subject: 'user', issuedAt: clock.now })
  })
})
