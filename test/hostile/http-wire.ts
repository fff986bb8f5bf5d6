import { once } from 'node:events'
import { connect } from 'node:net'

/** How long the answers to requests on one connection may take. */
const DEADLINE_MS = 10_000

/** A response as it stood on the wire. */
export interface RawAnswer {
  status: number
  headers: Map<string, string>
  body: string
}

/** The bytes of a request, whether the connection ends with the answer, and whether the answer has no body. */
export interface RawRequest {
  /** One character a byte. */
  wire: string
  ends?: boolean
  bodiless?: boolean
  /** Whether the answer may be one that does not end; its head is waited for. */
  streams?: boolean
}

/**
 * Sends requests over as few connections as they allow, one behind the other without waiting, and gives the answer to each;
 * `undefined` where the connection ended without one.
 */
export async function exchange (port: number, requests: readonly RawRequest[]): Promise<(RawAnswer | undefined)[]> {
  const answers: (RawAnswer | undefined)[] = []
  while (answers.length < requests.length) {
    const rest = requests.slice(answers.length)
    const first = rest.findIndex(({ ends }) => ends)
    // A request that ends its connection is sent alone: Node.js answers it ahead of the requests before it.
    answers.push(...await exchangeOn(port, first < 0 ? rest : rest.slice(0, Math.max(1, first))))
  }
  return answers
}

async function exchangeOn (port: number, requests: readonly RawRequest[]): Promise<(RawAnswer | undefined)[]> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const answers: (RawAnswer | undefined)[] = []
  let received = ''
  let ended = false
  let resolve: (inTime: boolean) => void = () => undefined
  const done = new Promise<boolean>((_resolve) => { resolve = _resolve })
  const read = (): void => {
    for (;;) {
      const request = requests[answers.length]
      if (request === undefined) break
      const found = parseAnswer(received, request, ended)
      if (found === undefined) break
      received = received.slice(found.length)
      // 1xx is not the answer yet.
      if (found.answer.status >= 200) answers.push(found.answer)
    }
    if (answers.length === requests.length || ended) resolve(true)
  }
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => { received += text; read() })
  socket.on('error', () => undefined)
  socket.on('close', () => { ended = true; read() })
  await once(socket, 'connect')
  const bytes = Buffer.from(requests.map(({ wire }) => wire).join(''), 'latin1')
  // Cut where nothing in the requests is cut.
  const size = 1 + bytes.length % 1_461
  for (let at = 0; at < bytes.length; at += size) socket.write(bytes.subarray(at, at + size))
  const deadline = setTimeout(resolve, DEADLINE_MS, false)
  const inTime = await done
  clearTimeout(deadline)
  socket.destroy()
  if (!inTime) throw new Error(`No answer came to ${brief(requests[answers.length]?.wire ?? 'the end')}, but ${brief(received)}`)
  if (received !== '' && requests.at(-1)?.ends !== true) throw new Error(`More came than was asked for: ${brief(received)}`)
  while (answers.length < requests.length) answers.push(undefined)
  return answers
}

/** Reads the first response of `text`, and how many characters it takes; `undefined` until it is whole. */
export function parseAnswer (text: string, { bodiless = false, streams = false }: Omit<RawRequest, 'wire'>, ended: boolean): { answer: RawAnswer, length: number } | undefined {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const [statusLine = '', ...lines] = text.slice(0, headEnd).split('\r\n')
  const [, status] = /^HTTP\/1\.1 (\d{3}) [\x20-\x7e]*$/.exec(statusLine) ?? []
  if (status === undefined) throw new Error(`Not a response: ${brief(text)}`)
  const headers = new Map(lines.map((line) => {
    const [, name = '', value = ''] = /^([^:]+): ?(.*)$/.exec(line) ?? []
    return [name.toLowerCase(), value]
  }))
  const start = headEnd + 4
  const make = (body: string, length: number): { answer: RawAnswer, length: number } => ({ answer: { status: Number(status), headers, body: Buffer.from(body, 'latin1').toString() }, length })
  if (bodiless || status === '304' || status === '204' || status.startsWith('1')) return make('', start)
  const length = headers.get('content-length')
  if (length !== undefined) {
    const end = start + Number(length)
    return text.length < end ? undefined : make(text.slice(start, end), end)
  }
  if (streams) return make(text.slice(start), text.length)
  if (headers.get('transfer-encoding') === 'chunked') {
    let body = ''
    for (let at = start; ;) {
      const lineEnd = text.indexOf('\r\n', at)
      if (lineEnd < 0) return undefined
      const size = Number.parseInt(text.slice(at, lineEnd), 16)
      const end = lineEnd + 2 + size + 2
      if (text.length < end) return undefined
      if (size === 0) return make(body, end)
      body += text.slice(lineEnd + 2, end - 2)
      at = end
    }
  }
  return ended ? make(text.slice(start), text.length) : undefined
}

/** A text as a report shows it: quoted, repetitions counted, and not all of a long one. */
export function brief (text: string): string {
  return JSON.stringify(text.replace(/(.{1,9}?)\1{15,}/gs, (all, part: string) => `{${part}*${all.length / part.length}}`)).slice(0, 1_500)
}
