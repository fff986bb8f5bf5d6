import { parseCount } from '../log/parse.js'
import { isClaimant } from '../nodes/reports.js'

// Parsers for the answers of the scripts. They accept any value and cannot throw; unknown elements are ignored.

/** The answer of SET_MEMBERS. */
export interface SetAnswer {
  readonly joined: readonly string[]
  readonly left: readonly string[]
  /** The members without a claim and the milliseconds until they leave. */
  readonly waiting: readonly (readonly [sub: string, ms: number])[]
}

/** A member as it is kept: the claims on it, of which there are none during its grace time. */
export interface ClaimedMember {
  readonly sub: string
  readonly claims: ReadonlyMap<string, number>
}

/** The answer of LIST_MEMBERS. */
export interface ListAnswer {
  readonly count: number
  readonly members: readonly ClaimedMember[]
}

/** The answer of SET_MEMBERS; `undefined` for anything else. */
export function parseSetAnswer (answer: unknown): SetAnswer | undefined {
  if (!Array.isArray(answer)) return undefined
  const [changes, waiting] = answer as unknown[]
  if (!Array.isArray(changes) || !Array.isArray(waiting)) return undefined
  const texts = (changes as unknown[]).filter((change) => typeof change === 'string')
  const of = (sign: string): string[] => texts.filter((text) => text.startsWith(sign)).map((text) => text.slice(1))
  return { joined: of('+'), left: of('-'), waiting: pairsOf(waiting).map(([sub, ms]) => [sub, parseCount(ms) ?? 0]) }
}

/** The answer of LIST_MEMBERS; `undefined` for anything else. */
export function parseListAnswer (answer: unknown): ListAnswer | undefined {
  if (!Array.isArray(answer)) return undefined
  const [counted, fields] = answer as unknown[]
  const count = parseCount(counted)
  if (count === undefined || !Array.isArray(fields)) return undefined
  return { count, members: pairsOf(fields).map(([sub, value]) => ({ sub, claims: claimsOf(value) })) }
}

/** The texts of a list that is expected to be one. */
export function textsOf (answer: unknown): string[] {
  return Array.isArray(answer) ? (answer as unknown[]).filter((text) => typeof text === 'string') : []
}

function pairsOf (list: readonly unknown[]): [string, string][] {
  const pairs: [string, string][] = []
  for (let index = 0; index + 1 < list.length; index += 2) {
    const [name, value] = list.slice(index, index + 2)
    if (typeof name === 'string' && typeof value === 'string') pairs.push([name, value])
  }
  return pairs
}

function claimsOf (value: string): Map<string, number> {
  const claims = new Map<string, number>()
  for (const claim of value.split(' ')) {
    const [claimant, count] = claim.split('=')
    const connections = parseCount(count)
    if (isClaimant(claimant) && connections !== undefined) claims.set(claimant, connections)
  }
  return claims
}
