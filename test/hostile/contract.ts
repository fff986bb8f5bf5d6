import { readFileSync } from 'node:fs'
import { STATUS_CODES } from 'node:http'
import { MAX_MESSAGE_BYTES } from './target.js'

/**
 * The promises of the documentation, written down a second time: the expected answers are taken from here, and not from the code.
 * Where several things are wrong with a request, any of their codes is right.
 */
const ERRORS = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')

/** The status of each error, from the table of the documentation. */
const STATUSES = new Map([...ERRORS.matchAll(/^\| `(MSG_ERR_\w+)` \| (\d+) \|/gm)].map(([, code = '', status]) => [code, Number(status)]))

/** The names of files, which no channel may have. */
const FILES = new Set(['client.js', 'client.mjs', 'index.html', 'page.css', 'page.js'])

/** Paths that probes and browsers request of every server: they are not names of channels, and the answer is 404. */
const PROBED = new Set(['favicon.ico', 'robots.txt', 'healthz', 'livez', 'readyz'])

/** Bytes that are not HTTP: no request is read, and the connection ends. */
export const NO_HTTP = 'REQUEST_INVALID'
export const TOO_LARGE = 'HEADERS_TOO_LARGE'

/** Longest URL of a subscription, and all that may stand before the body of a request, in bytes. */
export const MAX_URL_BYTES = 8_192
export const MAX_HEAD_BYTES = 16_384

/** Why a request is refused: the code without its `MSG_ERR_`; behind it the status, where it is another one than elsewhere: `CODE=404`. */
export type Refusal = string

/** Whether a connection may end with the refusal, because what comes behind it cannot be told apart. */
export function endsConnection (refusals: readonly Refusal[]): boolean {
  return refusals.includes(NO_HTTP) || refusals.includes(TOO_LARGE)
}

/** Says what is wrong with an answer that is to be a refusal for one of these reasons, or `undefined`. */
export function wrongRefusal (
  answer: { status: number, headers: Map<string, string>, body: string }, refusals: readonly Refusal[]
): string | undefined {
  let body: Record<string, unknown>
  try {
    body = JSON.parse(answer.body) as Record<string, unknown>
  } catch {
    return 'its body is not JSON'
  }
  const code = String(body['code'])
  if (Object.keys(body).join() !== 'statusCode,code,error,message') return 'its body has not the form of every error'
  const refusal = refusals.find((one) => `MSG_ERR_${one.split('=')[0]}` === code)
  if (refusal === undefined) return `its code is ${code} and not one of ${refusals.join(', ')}`
  const status = refusal.includes('=') ? Number(refusal.split('=')[1]) : STATUSES.get(code)
  if (answer.status !== status || body['statusCode'] !== answer.status || body['error'] !== STATUS_CODES[answer.status]) return 'its status is not that of its code'
  if (answer.status === 401 && answer.headers.get('www-authenticate') !== 'Bearer') return 'it does not say how to authenticate'
  return undefined
}

/** Why a name cannot be that of a channel which is published to, or read over HTTP. */
export function refusalsOfName (name: string, action: 'publish' | 'read'): Refusal[] {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.:@=+~-]{0,99}$/.test(name)) return ['CHANNEL_INVALID']
  if (PROBED.has(name)) return [action === 'read' ? 'CHANNEL_RESERVED=404' : 'CHANNEL_RESERVED']
  return FILES.has(name) ? ['CHANNEL_RESERVED'] : []
}

/** A part of a URL's path with its percent-encoding undone, or `undefined` when it is not UTF-8 percent-encoded. */
export function percentDecoded (text: string): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return undefined
  const bytes = Buffer.from(text.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))), 'latin1')
  return decodedUtf8(bytes)
}

/** The text that bytes are in UTF-8, or `undefined`. */
export function decodedUtf8 (bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** The message that a body publishes, or the reasons for which it is refused. */
export interface Verdict {
  refusals: Refusal[]
  message?: unknown
}

/** The meaning of a body that publishes one message. `messageBytes`: the length of its message as written, where that may be too much. */
export function judgeBody (body: Buffer, messageBytes = 0): Verdict {
  // The room around the message is not documented; that of the message is.
  if (messageBytes > MAX_MESSAGE_BYTES || body.length > MAX_MESSAGE_BYTES + 1_024) return { refusals: ['MESSAGE_TOO_LARGE'] }
  const value = parsedJson(body)
  if (value === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) return { refusals: ['BODY_INVALID'] }
  const message = Object.hasOwn(value, 'message') ? (value as { message: unknown }).message : undefined
  return isMissing(message) ? { refusals: ['MESSAGE_MISSING'] } : { refusals: [], message }
}

/** The value that bytes are in JSON, a byte order mark before it allowed, or `undefined`. */
export function parsedJson (bytes: Buffer): unknown {
  try {
    return JSON.parse((decodedUtf8(bytes) ?? '').replace(/^\ufeff/, '')) as unknown
  } catch {
    return undefined
  }
}

export function isMissing (message: unknown): boolean {
  return message === undefined || message === null || message === ''
}

/** JSON text without the white space between its tokens. */
export function compact (json: string): string {
  return json.replace(/("(?:[^"\\]|\\.)*")|[ \t\r\n]+/gs, (_, text?: string) => text ?? '')
}
