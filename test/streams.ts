import { once } from 'node:events'
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { port } from './helper.js'

export const EVENT_STREAM = 'text/event-stream'
export const LINES = 'application/x-ndjson'

/** An HTTP response that does not end, read block by block as the test asks. */
export class Stream {
  readonly response: IncomingMessage
  /** Everything that came and was not read. */
  #text = ''
  #arrived: (() => void) | undefined
  #ended = false
  readonly closed: Promise<void>

  constructor (response: IncomingMessage) {
    this.response = response
    response.setEncoding('utf8')
    response.on('data', (text: string) => {
      this.#text += text
      this.#arrived?.()
    })
    response.on('error', () => undefined)
    this.closed = new Promise((resolve) => {
      response.once('close', () => {
        this.#ended = true
        this.#arrived?.()
        resolve()
      })
    })
  }

  /** The text up to the next separator, without it. Rejects when the stream ends first. */
  async next (separator: string): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf(separator)
      if (end >= 0) {
        const block = this.#text.slice(0, end)
        this.#text = this.#text.slice(end + separator.length)
        return block
      }
      if (this.#ended) throw new Error('The stream ended')
      await new Promise<void>((resolve) => { this.#arrived = resolve })
    }
  }

  /** The next line, parsed. */
  async nextLine (): Promise<Record<string, unknown>> {
    return JSON.parse(await this.next('\n')) as Record<string, unknown>
  }

  /** The fields of the next event. */
  async nextEvent (): Promise<Record<string, string>> {
    const block = await this.next('\n\n')
    return Object.fromEntries(block.split('\n').map((line) => line.split(/: ?(.*)/s).slice(0, 2) as [string, string]))
  }
}

/** Opens a stream; the end of the test ends it. */
export async function stream (
  t: Test, app: FastifyInstance, path: string, accept: string, headers: OutgoingHttpHeaders = {}
): Promise<Stream> {
  const outgoing = request({ host: '127.0.0.1', port: port(app), path, headers: { accept, ...headers }, agent: false })
  t.teardown(() => { outgoing.destroy() })
  outgoing.on('error', () => undefined)
  outgoing.end()
  const [response] = await once(outgoing, 'response') as [IncomingMessage]
  return new Stream(response)
}
