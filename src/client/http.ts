import { retryAfter } from './backoff.js'
import { PAUSE } from './constants.js'
import { OURS, type Transport } from './transport.js'

/** Statuses as the close codes that mean the same; any other is a server that cannot serve now (1013). */
const CODES: Record<number, number | undefined> = { 400: 1008, 401: 4401, 403: 4403, 404: 1008 }

/**
 * The transports over HTTP: a stream of lines, or long polls, each answer of which is one frame, for where something between
 * collects a stream instead of passing it on.
 */
export const http = (polls: boolean, credentials: RequestCredentials | undefined): Transport => (address, token, signal, onFrame, onEnd) => {
  const accept = `application/${polls ? '' : 'x-nd'}json`

  const run = async (query: string): Promise<string> => {
    const ask = (credentials: RequestCredentials) => fetch(address() + query, {
      headers: { Accept: accept, ...token && { Authorization: 'Bearer ' + token } },
      cache: 'no-store',
      credentials,
      signal
    })
    // A WebSocket takes cookies along. A browser hides an answer to them that is meant for every origin (`*`); a refusal
    // without them says nothing, unless they were what made the first attempt fail.
    const response = await (credentials ? ask(credentials) : ask('include').catch(async () => {
      const response = await ask('same-origin')
      return response.ok ? response : ask('include').catch(() => response)
    }))
    // A portal or a single-page application may answer 200 with a page of its own.
    if (!response.ok || !response.headers.get('Content-Type')?.includes(accept)) {
      const { code } = Object(await response.json().catch(Object)) as { code: string }
      onEnd(CODES[response.status] ?? 1013, OURS.test(code) ? code : `HTTP ${response.status}`, retryAfter(response.headers.get('Retry-After')))
      return ''
    }
    if (polls) {
      onFrame(await response.text())
      await new Promise((resolve) => setTimeout(resolve, PAUSE))
      return run('&wait=20')
    }
    const reader = (response.body as ReadableStream).pipeThrough(new TextDecoderStream()).getReader()
    let rest = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return 'end of stream'
      const lines = (rest + value).split('\n')
      rest = lines.pop() as string
      for (const line of lines) onFrame(line)
    }
  }

  // The first answer to a poll comes at once, to tell whether polls get through.
  void run(polls ? '&wait=0' : '&heartbeat').catch(String).then((reason) => { onEnd(1006, reason) })
}
