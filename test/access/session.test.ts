import type { FastifyError } from 'fastify'
import t from 'tap'
import { Authorizer, type AuthorizerOptions } from '../../src/access/authorizer.js'
import { BearerTokens } from '../../src/access/bearer-tokens.js'
import { Grant } from '../../src/access/grant.js'
import { Patterns } from '../../src/access/patterns.js'
import { Revocations } from '../../src/access/revocations.js'
import { Session } from '../../src/access/session.js'
import type { TokenVerifier } from '../../src/access/token-verifier.js'
import { AuthorizationUnavailableError, TokenRefusedError } from '../../src/errors.js'

const NONE = new Patterns([])

/** The code of the error, or `yes`. */
async function codeOf (judge: () => Promise<Grant>): Promise<string> {
  try {
    await judge()
    return 'yes'
  } catch (error) {
    return (error as FastifyError).code
  }
}

function grant (subscribe: string[], subject?: string): Grant {
  return new Grant({ subscribe: new Patterns(subscribe), send: NONE }, { subject })
}

/** A session over tokens that the test names. */
class Bench {
  readonly verified: string[] = []
  readonly counted: unknown[] = []
  answers: Record<string, Grant | Promise<Grant> | Error> = {}
  readonly session: Session<string>

  constructor (token: string | undefined, options: Partial<AuthorizerOptions<string>> = {}) {
    const verifier = { verify: (text: string) => this.#verify(text) } as TokenVerifier
    const authorizer = new Authorizer<string>({
      bearerTokens: new BearerTokens(['publisher']), verifier, revocations: new Revocations(), publicChannels: new Patterns(['open']),
      authorize: undefined, authorizeTimeoutMs: 1_000, onError: () => {}, ...options
    })
    this.session = new Session<string>('request', token === undefined ? undefined : { token, inHeader: true }, {
      authorizer, count: (error) => { this.counted.push(error); return error }
    })
  }

  /** The code with which a channel is refused, or `yes`. */
  async ask (channel: string): Promise<string> {
    return await codeOf(async () => await this.session.admit(channel))
  }

  async replace (token: string): Promise<string> {
    return await codeOf(async () => await this.session.replace(token))
  }

  #verify (token: string): Grant | Promise<Grant> {
    this.verified.push(token)
    const answer = this.answers[token] ?? new TokenRefusedError('unknown')
    if (answer instanceof Error) throw answer
    return answer
  }
}

t.test('A session', async (t) => {
  t.test('verifies its token once, however many channels there are', async (t) => {
    for (const answer of [grant(['a', 'b']), Promise.resolve(grant(['a', 'b']))]) {
      const bench = new Bench('t')
      bench.answers = { t: answer }
      t.strictSame(await Promise.all(['a', 'b', 'c', 'open'].map((channel) => bench.ask(channel))), ['yes', 'yes', 'MSG_ERR_CHANNEL_FORBIDDEN', 'yes'])
      t.strictSame(bench.verified, ['t'])
      t.strictSame(bench.counted, [])
    }
  })

  t.test('counts a refused token once, and refuses the channels that need one', async (t) => {
    for (const answer of [undefined, Promise.reject(new TokenRefusedError('unknown'))]) {
      const bench = new Bench('bad')
      if (answer !== undefined) bench.answers = { bad: answer }
      t.strictSame(await Promise.all(['a', 'b', 'open'].map((channel) => bench.ask(channel))), ['MSG_ERR_TOKEN_REFUSED', 'MSG_ERR_TOKEN_REFUSED', 'yes'])
      t.strictSame(bench.verified, ['bad'])
      t.equal(bench.counted.length, 1)
    }
  })

  t.test('asks again while keys cannot be fetched', async (t) => {
    const bench = new Bench('t')
    bench.answers = { t: new AuthorizationUnavailableError('away') }
    t.equal(await bench.ask('a'), 'MSG_ERR_AUTHORIZATION_UNAVAILABLE')
    bench.answers = { t: grant(['a']) }
    t.equal(await bench.ask('a'), 'yes')
  })

  t.test('judges by the token of that moment, and keeps its subject', async (t) => {
    const bench = new Bench('first')
    bench.answers = { first: grant(['a'], '7'), wider: grant(['a', 'b'], '7'), other: grant(['a', 'b'], '8'), later: Promise.resolve(grant(['c'], '7')) }
    t.equal(await bench.ask('b'), 'MSG_ERR_CHANNEL_FORBIDDEN')
    t.equal(await bench.replace('wider'), 'yes')
    t.equal(await bench.ask('b'), 'yes')
    t.equal(await bench.replace('later'), 'yes')
    t.equal(await bench.ask('b'), 'MSG_ERR_CHANNEL_FORBIDDEN')
    t.equal(await bench.replace('other'), 'MSG_ERR_TOKEN_REFUSED')
    t.equal(await bench.ask('a'), 'MSG_ERR_TOKEN_REFUSED')
    t.equal(bench.counted.length, 1)
    t.equal(await bench.replace('other'), 'MSG_ERR_TOKEN_REFUSED', 'also when it is sent again')
    t.equal(await bench.replace('first'), 'yes')
  })

  t.test('judges by a token that comes while the one before is verified', async (t) => {
    for (const result of ['accepted', 'refused']) {
      const bench = new Bench('slow')
      let settle = (): void => {}
      const slow = new Promise<Grant>((resolve, reject) => {
        settle = () => { if (result === 'accepted') resolve(grant(['a'], '7')); else reject(new TokenRefusedError('unknown')) }
      })
      bench.answers = { slow, next: grant(['b'], '7') }
      const asked = ['a', 'b'].map((channel) => bench.ask(channel))
      t.equal(await bench.replace('next'), 'yes')
      settle()
      t.strictSame(await Promise.all(asked), ['MSG_ERR_CHANNEL_FORBIDDEN', 'yes'], result)
      t.equal(await bench.ask('b'), 'yes', 'the earlier token does not come back')
    }
  })

  t.test('takes a token where there was none', async (t) => {
    const bench = new Bench(undefined)
    bench.answers = { t: grant(['a'], '7') }
    t.equal(await bench.ask('a'), 'MSG_ERR_TOKEN_REQUIRED')
    t.equal(await bench.replace('t'), 'yes')
    t.equal(await bench.ask('a'), 'yes')
  })

  t.test('lets the host decide about a request without a token, and takes a publisher for granted', async (t) => {
    const asked: string[] = []
    const host = new Bench(undefined, { verifier: undefined, authorize: (request, channel) => { asked.push(`${request} ${channel}`); return channel === 'a' } })
    t.equal(await host.ask('a'), 'yes')
    t.equal(await host.ask('b'), 'MSG_ERR_CHANNEL_FORBIDDEN')
    t.strictSame(asked, ['request a', 'request b'])
    t.equal(await new Bench('publisher').ask('a'), 'yes')
  })
})
