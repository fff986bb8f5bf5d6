/** The answer of an endpoint, as far as a panel has to know. */
export type Answer<T> =
  | { kind: 'ok', value: T, headers: Headers }
  /** The token is missing, wrong, or not one for this. */
  | { kind: 'refused', status: number, code: string, message: string }
  /** The server does not have this endpoint. */
  | { kind: 'absent' }
  /** `status` is 0 where there was no answer. */
  | { kind: 'failed', status: number, code: string, message: string, reason: string }

/** The parts of a request. */
export interface Ask {
  token?: string
  method?: string
  /** JSON. */
  body?: string
  headers?: Record<string, string>
  timeoutMs?: number
  /** How the body of an answer is read. */
  read?: 'json' | 'text'
}

/** The page may be served under a prefix. */
export const base = new URL('./', location.href)

/** Whether a text may be a token: other characters are not valid in a header. */
export function isToken (text: string): boolean {
  return /^[!-~]+$/.test(text)
}

/** Asks the server for a path relative to the page. Never rejects. */
export async function ask<T> (path: string, { token, method = 'GET', body, headers = {}, timeoutMs = 10_000, read = 'json' }: Ask = {}): Promise<Answer<T>> {
  try {
    const response = await fetch(new URL(path, base), {
      method,
      headers: { ...headers, ...token !== undefined && { Authorization: `Bearer ${token}` }, ...body !== undefined && { 'Content-Type': 'application/json' } },
      cache: 'no-store',
      signal: AbortSignal.timeout(timeoutMs),
      ...body !== undefined && { body }
    })
    const text = await response.text()
    if (response.ok) return { kind: 'ok', value: (read === 'text' ? text : JSON.parse(text)) as T, headers: response.headers }
    const { code = '', message = response.statusText, reason = '' } = problemOf(text)
    const { status } = response
    if (status === 401 || status === 403) return { kind: 'refused', status, code, message }
    if (status === 404 || status === 405 || status === 501) return { kind: 'absent' }
    return { kind: 'failed', status, code, message, reason }
  } catch (error) {
    return { kind: 'failed', status: 0, code: '', reason: '', message: error instanceof DOMException && error.name === 'TimeoutError' ? 'no answer' : String(error) }
  }
}

interface Problem {
  code?: string
  message?: string
  /** Of a service that is not ready. */
  reason?: string
}

function problemOf (text: string): Problem {
  try {
    return JSON.parse(text) as Problem
  } catch {
    return {}
  }
}
