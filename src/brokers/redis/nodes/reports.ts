/** The subscribers of an instance. */
export interface Report {
  /** The id of the instance. */
  readonly node: string
  /** Counts up with each report; a number left out means that a report was missed. */
  readonly number: number
  /** Whether `counts` holds every occupied channel, or only those that changed since the last report. */
  readonly full: boolean
  readonly counts: ReadonlyMap<string, number>
  /** The claimant of the instance's members, see members/scripts.ts; absent where it has none. */
  readonly claimant?: string | undefined
  /** Set in the last report. */
  readonly leaves?: true
}

/** A request for full reports. */
export interface ReportRequest {
  /** The requesting instance. */
  readonly from: string
  /** The requested instance, or `*` for all. */
  readonly ask: string
}

/** The text of a message to other instances. */
export function reportText (message: Report | ReportRequest): string {
  return JSON.stringify('counts' in message ? { ...message, counts: Object.fromEntries(message.counts) } : message)
}

/** A message of another process; `undefined` for anything else. Cannot throw. */
export function parseReport (text: string): Report | ReportRequest | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { from, ask, node, number, full, counts, claimant, leaves } = value as Record<string, unknown>
  if (typeof from === 'string' && typeof ask === 'string') return { from, ask }
  if (typeof node !== 'string' || !isCount(number) || typeof full !== 'boolean') return undefined
  if (typeof counts !== 'object' || counts === null) return undefined
  const known = Object.entries(counts).filter((entry): entry is [string, number] => isCount(entry[1]))
  return { node, number, full, counts: new Map(known), ...isClaimant(claimant) && { claimant }, ...leaves === true && { leaves } }
}

/** Whether a value can be the name of a claimant, which stands between spaces in a text. */
export function isClaimant (value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]{1,64}$/.test(value)
}

/** Whether a value is a count, of another process. */
export function isCount (value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
