import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type Commands, connect } from '../../brokers/redis/connection/connection.js'
import { TIMINGS } from '../../brokers/redis/connection/timings.js'
import type { Finding } from './finding.js'

const CONNECT_MS = 5_000
const KEY_TTL_MS = 10_000
const MIN_VERSION = 7
const subject = 'redis'

/** Commands that need no right to a key or a channel. */
const PLAIN = { ping: [], time: [], wait: ['0', '1'], info: ['server'], hello: ['3'] }
/** The commands on a hash, a stream, a sorted set, a set and a text, each a key of its own. */
const ON_KEYS: Record<string, Record<string, readonly string[]>> = {
  hash: { hset: ['a', '1'], hget: ['a'], hmget: ['a'], hgetall: [], hdel: ['b'], hexists: ['a'], hlen: [] },
  stream: { xadd: ['*', 'a', '1'], xrange: ['-', '+'], xtrim: ['MAXLEN', '1'] },
  set: { zadd: ['1', 'a'], zrange: ['0', '-1'], zremrangebyscore: ['0', '0'] },
  members: { sadd: ['a'], srem: ['b'], smembers: [] },
  text: { set: ['1'], get: [], pexpire: [String(KEY_TTL_MS)], pexpireat: ['9999999999999'], del: [] }
}
const ON_CHANNELS: Record<string, readonly string[]> = {
  publish: ['1'], spublish: ['1'], subscribe: [], ssubscribe: [], sunsubscribe: []
}
const SCRIPT = 'return 1'
/** `return 1`, which is loaded by `eval` before. */
const SCRIPT_DIGEST = 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db'

/** The commands that the service needs. */
export const NEEDED: readonly string[] = [
  ...Object.keys(PLAIN), ...Object.values(ON_KEYS).flatMap(Object.keys), ...Object.keys(ON_CHANNELS), 'eval', 'evalsha'
]

/** Whether Redis can be reached, and whether it and the rights in it are as the service needs them. */
export async function redis (url: string, keyPrefix: string, signal: AbortSignal): Promise<Finding[]> {
  const client = connect(url, TIMINGS)
  let reason = 'no answer'
  client.on('error', (error: Error) => { reason = error.message })
  try {
    if (!await usable(client, signal)) {
      return [{ level: 'fail', subject, text: `cannot be reached within ${CONNECT_MS / 1_000} s (${reason}): check REDIS_URL, the network and the password` }]
    }
    const refusals = await missingRights(client, `${keyPrefix}check:{${randomBytes(9).toString('base64url')}}:`)
    return [...refusals, ...await settings(client)]
  } finally {
    client.disconnect()
  }
}

async function usable (client: Commands, signal: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + CONNECT_MS
  while (client.status !== 'ready') {
    if (performance.now() > deadline || signal.aborted) return false
    await delay(10)
  }
  return true
}

/** Tries each command on keys of its own: reading the ACL would need a right of its own. */
async function missingRights (client: Commands, prefix: string): Promise<Finding[]> {
  const missing: string[] = []
  let other: string | undefined
  const attempt = async (command: string, args: readonly string[]): Promise<void> => {
    try {
      await client.call(command, ...args)
    } catch (error) {
      const { message } = error as Error
      if (message.startsWith('NOPERM')) missing.push(scopeOf(message) ?? `+${command}`)
      // Any other error, such as of a key that could not be written before, is reported once.
      else other ??= `${command}: ${message}`
    }
  }
  for (const [command, args] of Object.entries(PLAIN)) await attempt(command, args)
  await attempt('eval', [SCRIPT, '1', `${prefix}hash`])
  await attempt('evalsha', [SCRIPT_DIGEST, '1', `${prefix}hash`])
  for (const [key, commands] of Object.entries(ON_KEYS)) {
    for (const [command, args] of Object.entries(commands)) await attempt(command, [`${prefix}${key}`, ...args])
  }
  await attempt('del', Object.keys(ON_KEYS).map((key) => `${prefix}${key}`))
  for (const [command, args] of Object.entries(ON_CHANNELS)) await attempt(command, [`${prefix}live`, ...args])
  const list = [...new Set(missing)].join(' ')
  if (list !== '') return [{ level: 'fail', subject, text: `rights are missing: ${list} (docs/instances.md has the ACL)` }]
  if (other !== undefined) return [{ level: 'fail', subject, text: `a command that is needed fails: ${other}` }]
  return [{ level: 'ok', subject, text: 'can be reached, with all rights that are needed' }]
}

/** The pattern that a refused key or channel needs; `undefined` when the command itself is refused. */
function scopeOf (message: string): string | undefined {
  if (/access a(ny of the)? keys?|one of the keys/i.test(message)) return '~<prefix>*'
  if (/access a(ny of the)? channels?|one of the channels/i.test(message)) return '&<prefix>*'
  return undefined
}

async function settings (client: Commands): Promise<Finding[]> {
  try {
    return settingsIn(String(await client.call('info')))
  } catch {
    // Among the missing rights.
    return []
  }
}

/** The version, and settings that lose messages, in the answer to INFO. */
export function settingsIn (info: string): Finding[] {
  const valueOf = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
  const findings: Finding[] = []
  const version = valueOf('valkey_version') ?? valueOf('redis_version')
  if (version !== undefined && parseInt(version) < MIN_VERSION)
    findings.push({ level: 'fail', subject, text: `version ${version} is too old: Redis 7 or Valkey is needed (sharded notifications)` })
  const policy = valueOf('maxmemory_policy')
  if (policy !== undefined && policy !== 'noeviction' && valueOf('maxmemory') !== '0')
    findings.push({ level: 'warn', subject, text: `maxmemory-policy is ${policy}, which may drop messages and idempotency keys: set noeviction` })
  if (valueOf('aof_enabled') === '0')
    findings.push({ level: 'warn', subject, text: 'appendonly is off: a restart of Redis is a gap for subscribers; set appendonly yes' })
  return findings
}
