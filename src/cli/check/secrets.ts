import { DEFAULT_TOKEN } from '../../access/bearer-tokens.js'
import { isLoopback } from '../../access/hosts.js'
import type { Config } from '../../config.js'
import type { Finding } from './finding.js'

/** A token with fewer characters can be guessed. */
const MIN_TOKEN_LENGTH = 16

/** Whether the secrets of a configuration can be guessed. */
export function secrets ({ host, path, messenger: { token, tokenSecret } }: Config): Finding[] {
  const tokens = [token].flat()
  const subject = 'secrets'
  const findings: Finding[] = []
  if (tokens.includes(DEFAULT_TOKEN)) {
    const isPrivate = path === undefined && isLoopback(host)
    findings.push({
      level: isPrivate ? 'warn' : 'fail', subject,
      text: `a token is ${DEFAULT_TOKEN}, which is public: set BEARER_TOKEN to the output of "openssl rand -hex 32"`
    })
  } else if (tokens.some(({ length }) => length < MIN_TOKEN_LENGTH)) {
    findings.push({ level: 'warn', subject, text: `a token of BEARER_TOKEN has fewer than ${MIN_TOKEN_LENGTH} characters and can be guessed` })
  }
  if (tokenSecret !== undefined && [tokenSecret].flat().some((secret) => new Set(secret).size < MIN_TOKEN_LENGTH / 2))
    findings.push({ level: 'warn', subject, text: 'a secret of TOKEN_SECRET repeats few characters and can be guessed' })
  return findings.length > 0 ? findings : [{ level: 'ok', subject, text: 'none that is public' }]
}
