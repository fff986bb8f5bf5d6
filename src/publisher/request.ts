import { type Outcome, refusedOutcome, resultOf, resultsOf } from './answer.js'
import { retryAfterMs } from './backoff.js'
import type { Entry } from './entry.js'
import { PublisherCode } from './errors.js'
import { assertToken, type Settings } from './options.js'

const SECOND_MS = 1_000
/** Codes of Node.js for connections that were never made. */
const NOT_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT', 'ConnectionRefused'])

/** Sends entries in one request: one with `waitSeconds` alone, all others as a batch. Never rejects. */
export async function send (entries: readonly Entry[], settings: Settings, abandon: AbortController, timeoutMs: number): Promise<Outcome> {
  const timer = setTimeout(() => { abandon.abort(new Error(`no answer within ${timeoutMs / SECOND_MS} s`)) }, timeoutMs)
  const outcome = await attempt(entries, settings, abandon.signal)
  clearTimeout(timer)
  return outcome
}

async function attempt (entries: readonly Entry[], { token, base, fetch }: Settings, signal: AbortSignal): Promise<Outcome> {
  let asked = false
  try {
    const current = typeof token === 'function' ? await token() : token
    assertToken(current)
    asked = true
    const response = await fetch(...requestOf(entries, base, current, signal))
    return outcomeOf(response.status, await response.text(), entries, retryAfterMs(response.headers.get('retry-after'), Date.now()))
  } catch (error) {
    // Platforms agree on no type of errors for what fails in the network: all that fails here is shown, and repeated.
    const { text, connected } = describe(signal.aborted ? signal.reason : error)
    const message = asked ? `the service cannot be reached: ${text}` : `there is no token: ${text}`
    const refusal = { code: PublisherCode.UNREACHABLE, message, maybeDelivered: asked && connected, cause: error }
    return { kind: 'failed', refusal, retryAfterMs: 0 }
  }
}

function requestOf (entries: readonly Entry[], base: string, token: string, signal: AbortSignal): [url: string, init: RequestInit] {
  const { channel, text, key, waitSeconds } = (entries as [Entry])[0].post
  const headers: Record<string, string> = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  // A redirect would turn the request into a GET, or carry the token elsewhere.
  const init = { method: 'POST', headers, redirect: 'manual', signal } as const
  if (!isSingle(entries)) return [`${base}/send`, { ...init, body: `{"messages":[${entries.map(({ json }) => json).join(',')}]}` }]
  headers['idempotency-key'] = key
  headers['prefer'] = `wait=${waitSeconds}`
  return [`${base}/send/${encodeURIComponent(channel)}`, { ...init, body: `{"message":${text}}` }]
}

/** Whether the request is one of `POST /send/:channel`, which alone has receipts. */
function isSingle (entries: readonly Entry[]): boolean {
  return (entries as [Entry])[0].post.waitSeconds > 0
}

function outcomeOf (status: number, text: string, entries: readonly Entry[], retryAfterMs: number): Outcome {
  const body = parse(text)
  if (status !== 200) return refusedOutcome(status, body, retryAfterMs)
  const results = isSingle(entries) ? [resultOf(body)] : resultsOf(body, entries.length)
  if (results?.every((result) => result !== undefined) === true) return { kind: 'answered', results }
  const refusal = {
    code: PublisherCode.UNREACHABLE, statusCode: status, message: 'the answer is not from this service', maybeDelivered: true
  }
  return { kind: 'failed', refusal, retryAfterMs }
}

function parse (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The page of a proxy.
    return undefined
  }
}

/** The text of a failure of `fetch`, whose message is often the same for all, and whether a connection may have been made. */
function describe (error: unknown): { text: string, connected: boolean } {
  const { cause, message, code } = error as { cause?: unknown, message?: string, code?: string }
  const inner = (cause ?? {}) as { code?: string, message?: string }
  const name = inner.code ?? code
  return { text: name ?? inner.message ?? message ?? String(error), connected: !NOT_CONNECTED.has(String(name)) }
}
