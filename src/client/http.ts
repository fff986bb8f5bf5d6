import { retryAfter } from './backoff.js'
import { BRIEF, FORBIDDEN, MAX_HELD, PAUSE, POLICY, TRY_AGAIN, UNAUTHORIZED } from './constants.js'
import type { Transport } from './transport.js'

/** Connections of the page that hold a request open. */
let held = 0

/**
 * The transports over HTTP: a stream of lines, or long polls, each answer of which is one frame, for where something between
 * collects a stream instead of passing it on. Over HTTP/1.1 a browser makes six connections to a host, and other requests of the
 * page wait for one of them: beyond the first `MAX_HELD`, requests are brief ones with pauses between.
 */
export const http: Transport = async (address, token, signal, receive, end, polls, credentials) => {
  const accept = `application/${polls ? '' : 'x-nd'}json`
  let holds: unknown
  // The first answer to a poll comes at once, to tell whether polls get through.
  let wait = 0
  const ask = (credentials: RequestCredentials) => fetch(address() + (polls ? `&wait=${wait}` : '&heartbeat'), {
    headers: { Accept: accept, ...token && { Authorization: 'Bearer ' + token } },
    cache: 'no-store',
    credentials,
    signal
  })
  try {
    signal.addEventListener('abort', () => { if (holds) held-- })
    for (;; await new Promise((resolve) => setTimeout(resolve, holds ? PAUSE : BRIEF))) {
      holds ||= held < MAX_HELD && ++held
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
      let late: unknown
      const cut = () => {
        late = true
        // Not within a message, or one that takes longer would never come.
        if (!rest) reader.cancel().catch(() => undefined)
      }
      if (!holds && !polls) setTimeout(cut, PAUSE)
      let chunk: ReadableStreamReadResult<string>
      while (!(chunk = await reader.read()).done) {
        const lines = (rest + chunk.value).split('\n')
        rest = lines.pop() as string
        lines.forEach(receive)
        if (late) cut()
      }
      if (polls) receive(rest)
      // eslint-disable-next-line @typescript-eslint/only-throw-error
      else if (holds) throw 'end of stream'
      wait = holds ? 20 : 0
    }
  } catch (error) {
    end({ reason: String(error) })
  }
}
