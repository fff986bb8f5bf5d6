import { eventually } from '../eventually.js'

/** A message as a request carried it. */
export interface Carried {
  channel: string
  message: unknown
  key: string
}

/** A request that the stub has been sent. */
export interface Asked {
  url: string
  headers: Record<string, string>
  body: string
  entries: Carried[]
  signal: AbortSignal
}

/** How the stub answers: a response, an error of the network, or nothing, which is a success. */
export type Answer = Response | Error | undefined

/** A service in the place of `fetch`, which answers as the test says. */
export class StubService {
  readonly requests: Asked[] = []
  /** Messages in the order in which they were accepted. */
  readonly accepted: Carried[] = []
  inFlight = 0
  maxInFlight = 0
  readonly #offsets = new Map<string, number>()
  answer: (asked: Asked, number: number) => Answer | Promise<Answer> = () => undefined

  readonly fetch = (async (url: string, init: RequestInit) => {
    const asked = parsed(url, init)
    this.requests.push(asked)
    this.maxInFlight = Math.max(this.maxInFlight, ++this.inFlight)
    try {
      const aborted = new Promise<never>((_resolve, reject) => {
        asked.signal.addEventListener('abort', () => { reject(asked.signal.reason as Error) })
      })
      aborted.catch(() => {})
      const answer = await Promise.race([this.answer(asked, this.requests.length), aborted])
      if (answer instanceof Error) throw answer
      return answer ?? this.accept(asked)
    } finally {
      this.inFlight--
    }
  }) as typeof fetch

  /** Accepts the messages of a request, except those with an error of their own. */
  accept ({ url, entries }: Asked, errors: Record<number, object> = {}): Response {
    const results = entries.map((entry, index) => {
      if (errors[index] !== undefined) return { channel: entry.channel, error: errors[index] }
      this.accepted.push(entry)
      const offset = (this.#offsets.get(entry.channel) ?? 0) + 1
      this.#offsets.set(entry.channel, offset)
      return { channel: entry.channel, id: `e:${offset}`, subscribers: 1 }
    })
    return json(200, url.endsWith('/send') ? { status: 'Messages sent', results } : { status: 'Message sent', ...results[0] })
  }

  /** Resolves when so many requests were made. */
  async asked (count: number): Promise<void> {
    await eventually(() => this.requests.length >= count, { message: () => `${this.requests.length} of ${count} requests` })
  }
}

export function json (status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })
}

/** An answer with an error of the service. */
export function refusal (status: number, code: string, headers: Record<string, string> = {}): Response {
  return json(status, { statusCode: status, code, error: '', message: `told ${code}` }, headers)
}

function parsed (url: string, { headers, body, signal }: RequestInit): Asked {
  const text = body as string
  const content = JSON.parse(text) as { messages?: { channel: string, message: unknown, idempotencyKey: string }[], message?: unknown }
  const own = headers as Record<string, string>
  const entries = content.messages?.map(({ channel, message, idempotencyKey }) => ({ channel, message, key: idempotencyKey })) ??
    [{ channel: decodeURIComponent(url.split('/').at(-1) ?? ''), message: content.message, key: String(own['idempotency-key']) }]
  return { url, headers: own, body: text, entries, signal: signal as AbortSignal }
}
