import { tokenRequest } from '../access/token-request.js'
import { TokenIssuer } from '../access/token-issuer.js'
import { readConfig } from '../config.js'
import { type Command, CommandError, type Context, Exit, integerOf, parse, UsageError } from './command.js'

const MAX_TTL_SECONDS = 999_999_999

const help = `Usage: TOKEN_SECRET=… fastify-messenger token [--subscribe <patterns>] [--send <patterns>] [options]

Signs a token for a subscriber, or for a publisher of some channels, with the first TOKEN_SECRET, TOKEN_ISSUER and
TOKEN_AUDIENCE of the environment (HS256), and prints it. A running service makes them, too: POST /-/tokens.

  --subscribe <patterns>  channels to subscribe to, as patterns with *, separated by commas; may be repeated
  --send <patterns>       channels to publish to
  --sub <subject>         the holder of the token, by which it can be revoked
  --jti <id>              the name of the token; default: a random one
  --ttl <s>               seconds for which it is valid, at most TOKEN_MAX_TTL; default one hour
  --json                  prints {"token","jti","exp"}

Exit codes: 0 signed; 1 the configuration is invalid or has no TOKEN_SECRET; 2 invalid arguments.`

const OPTIONS = {
  subscribe: { type: 'string', multiple: true },
  send: { type: 'string', multiple: true },
  sub: { type: 'string' },
  jti: { type: 'string' },
  ttl: { type: 'string' },
  json: { type: 'boolean' }
} as const

export const token: Command = { help, run }

async function run (args: readonly string[], { env, stdout }: Context): Promise<number> {
  const { values: { subscribe, send, sub, jti, ttl: ttlText, json }, positionals } = parse(args, OPTIONS)
  if (positionals.length > 0) throw new UsageError(`${JSON.stringify(positionals[0])} is not an option: name channels with --subscribe and --send`)
  const ttl = integerOf('ttl', ttlText, 1, MAX_TTL_SECONDS)
  const { messenger: { tokenSecret, tokenIssuer, tokenAudience, tokenMaxTtlMs } } = readConfig(env)
  const [secret] = [tokenSecret ?? []].flat()
  if (secret === undefined) throw new CommandError('TOKEN_SECRET must be set: it signs the token, and the service verifies it with the same secret')
  const request = tokenRequest({ subscribe: listOf(subscribe), send: listOf(send), sub, jti, ttl }, tokenMaxTtlMs)
  // The service alone knows what was revoked: a token that is signed in the second of a revocation is revoked, too.
  const issuer = new TokenIssuer({ secret, issuer: tokenIssuer[0], audience: tokenAudience[0] }, { revokedUntil: () => 0 })
  const issued = issuer.issue(request)
  stdout.write(json === true ? `${JSON.stringify({ token: issued.token, jti: request.jti, exp: issued.exp })}\n` : `${issued.token}\n`)
  return await Promise.resolve(Exit.DONE)
}

function listOf (texts: readonly string[] | undefined): string[] | undefined {
  return texts?.flatMap((text) => text.split(',')).map((pattern) => pattern.trim()).filter((pattern) => pattern !== '')
}
