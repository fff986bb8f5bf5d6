import { parseId, type Position } from '../../../wire/id.js'
import { parseReference } from '../../../wire/receipt.js'
import type { GapReason } from '../../../wire/events.js'
import type { LogEntry } from '../../broker.js'

// Parsers for answers of scripts and texts of other processes. They accept any value and cannot throw; unknown elements are
// ignored, so that two versions can run side by side.

/** The answer of PUBLISH. `current` is the position of the log, also when the message is a duplicate. */
export type PublishAnswer =
  | { readonly status: 'sent', readonly current: Position }
  | { readonly status: 'duplicate', readonly current: Position, readonly first: Position, readonly subscribers: number }
  | { readonly status: 'conflict' }

/** The answer of READ. */
export interface ReadAnswer {
  readonly epoch: string
  readonly head: number
  readonly after: number
  readonly reason: GapReason | undefined
  readonly entries: readonly LogEntry[]
}

/** What VERIFY says of a log: whether nothing is lost, and its position, where there is a log. */
export interface VerifyAnswer {
  readonly present: boolean
  readonly current: Position | undefined
}

const REASONS = new Map<unknown, GapReason | undefined>([['', undefined], ['epoch', 'epoch'], ['expired', 'expired']])

/** The beginnings of the parts of a notification behind the message. No JSON value ends with one of them and digits, or a string. */
const RECEIPT = ',"receipt":"'
const TIME = ',"time":'
/** At least the length of the longest part with a reference. */
const MAX_RECEIPT_LENGTH = 128

/**
 * A notification, `<id> <message>,"receipt":"<reference>","time":<milliseconds>`. The reference is absent where no publisher waits, and
 * the time in earlier versions. Without a message it only carries the position of the log.
 */
export function parseNotification (text: unknown): LogEntry | undefined {
  if (typeof text !== 'string') return undefined
  const space = text.indexOf(' ')
  if (space < 0) return undefined
  const position = parseId(text.slice(0, space))
  if (position === undefined) return undefined
  const { epoch, offset } = position
  const end = text.lastIndexOf(TIME)
  const time = end > space ? parseCount(text.slice(end + TIME.length)) : undefined
  const message = text.slice(space + 1, time === undefined ? undefined : end)
  return { epoch, offset, time, ...message.endsWith('"') ? split(message) : { message } }
}

/** A message and the reference behind it, where there is one. */
function split (text: string): Pick<LogEntry, 'message' | 'receipt'> {
  // Only the end of the text is searched, which may be long.
  const start = Math.max(0, text.length - MAX_RECEIPT_LENGTH)
  const end = text.slice(start).lastIndexOf(RECEIPT) + start
  const receipt = text.slice(end + RECEIPT.length, -1)
  return end >= start && parseReference(receipt) !== undefined ? { message: text.slice(0, end), receipt } : { message: text }
}

/** A position of two elements. */
export function parsePosition (epoch: unknown, offset: unknown): Position | undefined {
  return typeof epoch === 'string' && (typeof offset === 'string' || typeof offset === 'number') ? parseId(`${epoch}:${offset}`) : undefined
}

/** A number that is a count. */
export function parseCount (value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined
}

/** The answer of PUBLISH. */
export function parsePublishAnswer (answer: unknown): PublishAnswer | undefined {
  if (!Array.isArray(answer)) return undefined
  const [status, epoch, offset, firstEpoch, firstOffset, counted] = answer as unknown[]
  if (status === 'conflict') return { status }
  const current = parsePosition(epoch, offset)
  if (current === undefined) return undefined
  if (status === 'sent') return { status, current }
  const first = parsePosition(firstEpoch, firstOffset)
  const subscribers = parseCount(counted)
  return status === 'duplicate' && first && subscribers !== undefined ? { status, current, first, subscribers } : undefined
}

/** The answer of READ; `'later'` where the position is of an epoch that the server does not know yet. */
export function parseReadAnswer (answer: unknown): ReadAnswer | 'later' | undefined {
  if (!Array.isArray(answer)) return undefined
  const [epoch, headText, afterText, reason, rows] = answer as unknown[]
  if (epoch === 'later') return 'later'
  const head = parsePosition(epoch, headText)
  const after = parseCount(afterText)
  if (head === undefined || after === undefined || !REASONS.has(reason) || !Array.isArray(rows)) return undefined
  const entries: LogEntry[] = []
  for (const row of rows as unknown[]) {
    const entry = parseEntry(head.epoch, row)
    // Only entries without a hole before them can be delivered.
    if (entry?.offset !== after + entries.length + 1) break
    entries.push(entry)
  }
  return { epoch: head.epoch, head: head.offset, after, reason: REASONS.get(reason), entries }
}

/** A row of a stream: `[<offset>-<milliseconds>, ['m', message, 'r', reference]]`, the reference where a publisher waits. */
function parseEntry (epoch: string, row: unknown): LogEntry | undefined {
  if (!Array.isArray(row)) return undefined
  const [id, fields] = row as unknown[]
  const [offset, time] = typeof id === 'string' ? id.split('-', 2).map(parseCount) : []
  const [, message, , receipt] = Array.isArray(fields) ? fields as unknown[] : []
  if (offset === undefined || typeof message !== 'string') return undefined
  const entry = { epoch, offset, message, time }
  return typeof receipt === 'string' && parseReference(receipt) !== undefined ? { ...entry, receipt } : entry
}

/** The answers of VERIFY, one for each log; `undefined` for a log whose position is damaged. */
export function parseVerifyAnswers (answer: unknown): (VerifyAnswer | undefined)[] | undefined {
  return Array.isArray(answer) ? Array.from(answer as unknown[], parseVerifyAnswer) : undefined
}

function parseVerifyAnswer (answer: unknown): VerifyAnswer | undefined {
  if (!Array.isArray(answer)) return undefined
  if (answer.length === 0) return { present: true, current: undefined }
  const current = parsePosition(answer[1], answer[2])
  return current && { present: answer[0] === 1, current }
}
