import { retryAfter } from './backoff.js'
import { FORBIDDEN, PAUSE, POLICY, TRY_AGAIN, UNAUTHORIZED } from './constants.js'
import type { Transport } from './transport.js'

/**
 * The transports over HTTP: a stream of lines, or long polls, each answer of which is one frame, for where something between
 * collects a stream instead of passing it on.
 */
export const http: Transport = async (address, token, signal, receive, end, polls, credentials) => {
  const accept = `application/${polls ? '' : 'x-nd'}json`
  // The first answer to a poll comes at once, to tell whether polls get through.
  let query = polls ? '&wait=0' : '&heartbeat'
  const ask = (credentials: RequestCredentials) => fetch(address() + query, {
    headers: { Accept: accept, ...token && { Authorization: 'Bearer ' + token } },
    cache: 'no-store',
    credentials,
    signal
  })
  try {
    for (;; await new Promise((resolve) => setTimeout(resolve, PAUSE))) {
      // A WebSocket takes cookies along. A browser hides an answer to them that is meant for every origin (`*`); a refusal
      // without them says nothing, unless they were what made the first attempt fail.
      const response = await (credentials
        ? ask(credentials)
        : ask('include').catch(() => ask('same-origin').then((response) => response.ok ? response : ask('include').catch(() => response))))
      // A portal or a single-page application may answer 200 with a page of its own.
      if (!response.ok || !response.headers.get('Content-Type')?.includes(accept)) {
        const [, reason = `HTTP ${response.status}`] = /"code":"(MSG_ERR\w+)/.exec(await response.text()) ?? []
        // Any other status is one of a server that cannot serve now.
        end({ code: [POLICY, UNAUTHORIZED,, FORBIDDEN, POLICY][response.status - 400] ?? TRY_AGAIN, reason, floor: retryAfter(response.headers.get('Retry-After')) })
        return
      }
      const reader = (response.body as ReadableStream).pipeThrough(new TextDecoderStream()).getReader()
      let rest = ''
      let chunk: ReadableStreamReadResult<string>
      while (!(chunk = await reader.read()).done) {
        const lines = (rest + chunk.value).split('\n')
        rest = lines.pop() as string
        lines.forEach(receive)
      }
      // eslint-disable-next-line @typescript-eslint/only-throw-error
      if (!polls) throw 'end of stream'
      receive(rest)
      query = '&wait=20'
    }
  } catch (error) {
    end({ reason: String(error) })
  }
}
