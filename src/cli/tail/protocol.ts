import { retryAfterMs } from '../../publisher/backoff.js'
import { Close } from '../../wire/close.js'

/** Closes after which another attempt with the same arguments makes no sense: this program cannot get another token. */
const FINAL: readonly unknown[] = [Close.POLICY, Close.FORBIDDEN, Close.UNAUTHORIZED]
const PASSING = new Set([408, 429])

/** A line of a stream. */
export type StreamEvent =
  | { readonly kind: 'message', readonly channel: string, readonly id: string }
  | { readonly kind: 'subscribed', readonly channel: string, readonly id: string, readonly gap: string | undefined, readonly heartbeatMs: number }
  | { readonly kind: 'refused', readonly channel: string, readonly message: string, readonly final: boolean }
  | { readonly kind: 'end', readonly channel: string, readonly reason: string | undefined }
  | { readonly kind: 'close', readonly final: boolean, readonly reason: string, readonly windowMs: number }

/** A refusal that is final for all channels. */
export class Refused extends Error {}

/** Parses a line of a stream; `undefined` for what is not known, as a later version may send it. */
export function parseLine (line: string): StreamEvent | undefined {
  const { channel, event, id, recovered, reason, heartbeat, code, message, close } = fieldsOf(line)
  if (event === 'close') {
    const text = typeof reason === 'string' && reason !== '' ? reason : String(code)
    return { kind: 'close', final: FINAL.includes(code), reason: text, windowMs: Number(/retry=(\d{1,7})/.exec(text)?.[1] ?? 0) }
  }
  if (typeof channel !== 'string') return undefined
  if (event === 'refused') return { kind: 'refused', channel, message: String(message), final: FINAL.includes(close) }
  if (event === 'end') return { kind: 'end', channel, reason: typeof reason === 'string' ? reason : undefined }
  if (typeof id !== 'string') return undefined
  if (event === undefined) return { kind: 'message', channel, id }
  if (event !== 'subscribed') return undefined
  return { kind: 'subscribed', channel, id, gap: recovered === false ? String(reason) : undefined, heartbeatMs: Number(heartbeat) || 0 }
}

/**
 * The reason of an answer that is no stream, and the milliseconds that it asks to wait. Throws {@link Refused} for one of this service
 * that is final; what a proxy says passes.
 */
export async function refusalOf (response: Response): Promise<{ reason: string, delayMs: number }> {
  const { status, headers } = response
  const { code, message } = fieldsOf(await response.text())
  const own = typeof code === 'string' && code.startsWith('MSG_ERR_')
  if (own && status >= 400 && status < 500 && !PASSING.has(status)) throw new Refused(`${String(message)} (${code})`)
  const reason = own ? `the service answered ${status} (${code})` : `something answered ${status} that is not this service`
  return { reason, delayMs: retryAfterMs(headers.get('retry-after'), Date.now()) }
}

function fieldsOf (text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null ? value as Record<string, unknown> : {}
  } catch {
    // A page of a proxy, or a line that was cut.
    return {}
  }
}
