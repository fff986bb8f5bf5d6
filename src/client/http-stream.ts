import type { Transport } from './transport.js'

/** Statuses as the close codes that mean the same; any other is a server that cannot serve now (1013). */
const CODES: Record<number, number | undefined> = { 400: 1008, 401: 4401, 403: 4403 }

export const httpStream: Transport = (url, token, onFrame, onEnd) => {
  const controller = new AbortController()
  const read = async () => {
    const { ok, status, headers, body } = await fetch(url, {
      headers: { Accept: 'application/x-ndjson', ...token && { Authorization: 'Bearer ' + token } },
      cache: 'no-store',
      signal: controller.signal
    })
    // A portal or a single-page application may answer 200 with a page of its own.
    if (!ok || !body || !headers.get('Content-Type')?.includes('ndjson')) {
      onEnd(CODES[status] ?? 1013, `HTTP ${status} retry=${Number(headers.get('Retry-After')) * 1000}`)
      return ''
    }
    const reader = body.getReader()
    const decoder = new TextDecoder()
    let rest = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return 'end of stream'
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n')
      rest = lines.pop() as string
      for (const line of lines) onFrame(line)
    }
  }
  void read().catch(String).then((reason) => { onEnd(1006, reason) })
  return () => { controller.abort() }
}
