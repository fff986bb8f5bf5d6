import { type FakePage, type FakeSocket } from './fake-page.js'

interface Peer {
  readonly channels: Set<string>
  token: string
  send: (frame: object) => void
  end: (code: number, reason: string) => void
}

/**
 * The service as far as it has several channels on one connection. Each channel's log keeps all.
 * A token is the list of the channels whose names begin with `private` that it covers; it is good for `expiresIn` milliseconds.
 */
export class FakeServer {
  readonly logs = new Map<string, unknown[]>()
  epoch = 'e'
  readonly peers = new Set<Peer>()
  /** The URLs of the connections, in order. */
  readonly urls: string[] = []
  /** Refusals by channel, before any other rule. */
  readonly refusals = new Map<string, { code: string, close: number, retry?: number }>()
  frames: number | undefined = 100
  expiresIn: number | undefined
  /** A server of an older version takes one channel, and no frames. */
  older = false

  constructor (page: FakePage) {
    page.accept = (socket) => {
      // The handshake takes a moment.
      setTimeout(() => { this.#acceptSocket(socket) }, 1)
    }
    page.answer = (url, { headers, signal }) => this.#answer(url, new Headers(headers), signal as AbortSignal)
  }

  log (channel: string): unknown[] {
    const log = this.logs.get(channel) ?? []
    this.logs.set(channel, log)
    return log
  }

  publish (channel: string, message: unknown): void {
    const offset = this.log(channel).push(message)
    for (const peer of this.peers) if (peer.channels.has(channel)) peer.send({ channel, message, id: `${this.epoch}:${offset}` })
  }

  /** Loses all logs, and every connection. */
  restart (epoch: string): void {
    this.epoch = epoch
    this.logs.clear()
    for (const peer of this.peers) peer.end(1006, '')
  }

  beat (): void {
    for (const peer of this.peers) peer.send({})
  }

  #acceptSocket (socket: FakeSocket): void {
    if (socket.dropped) return
    const url = new URL(socket.url)
    const peer: Peer = {
      channels: new Set(),
      token: decodeURIComponent(socket.protocols[1] ?? '').replace('token.', ''),
      send: (frame) => { if (!socket.dropped) socket.send(Object.keys(frame).length ? frame : '') },
      end: (code, reason) => {
        this.peers.delete(peer)
        socket.end(code, reason)
      }
    }
    socket.onend = () => { this.peers.delete(peer) }
    const takesFrames = url.searchParams.has('frames') && !this.older
    if (takesFrames) socket.onframe = (frame) => { this.#take(peer, frame) }
    this.#begin(peer, url, takesFrames)
  }

  #begin (peer: Peer, url: URL, takesFrames: boolean): void {
    this.urls.push(url.pathname.slice(1) + (url.searchParams.has('channels') ? ` ${url.searchParams.get('channels') ?? ''}` : ''))
    const channels = [url.pathname.slice(1), ...url.searchParams.getAll('channels')].join().split(',')
    const since = (url.searchParams.get('since') ?? '').split(',')
    if ((this.older && channels.length > 1) || channels.length > (this.frames ?? 100)) {
      peer.end(1008, 'MSG_ERR_CHANNEL_INVALID')
      return
    }
    this.peers.add(peer)
    channels.forEach((channel, index) => { this.#subscribe(peer, channel, since[index] ?? 'now', takesFrames) })
    if (!peer.channels.size && !takesFrames) peer.end(4401, 'MSG_ERR_TOKEN_REFUSED')
  }

  #subscribe (peer: Peer, channel: string, since: string, takesFrames: boolean): void {
    const log = this.log(channel)
    const refusal = this.#refusal(channel, peer.token)
    if (refusal) {
      peer.send({ channel, event: 'refused', message: 'no', ...refusal })
      return
    }
    peer.channels.add(channel)
    const offset = this.#offset(channel, since)
    peer.send({ channel, event: 'subscribed', id: `${this.epoch}:${offset}`, ...this.#standing(since), heartbeat: 20_000, ...takesFrames && { frames: this.frames, expiresIn: this.expiresIn } })
    log.slice(offset).forEach((message, index) => { peer.send({ channel, message, id: `${this.epoch}:${offset + index + 1}` }) })
  }

  #refusal (channel: string, token: string): { code: string, close: number, retry?: number } | undefined {
    return this.refusals.get(channel) ??
      (channel.startsWith('private') && !token.split(',').includes(channel) ? { code: 'MSG_ERR_CHANNEL_FORBIDDEN', close: 4403 } : undefined)
  }

  /** The offset after which a subscription begins. */
  #offset (channel: string, since: string): number {
    const [epoch, offset] = since.split(':')
    return since === 'now' ? this.log(channel).length : epoch === this.epoch ? Number(offset) : 0
  }

  #standing (since: string): object {
    return since.includes(':') && since.split(':')[0] !== this.epoch ? { recovered: false, reason: 'epoch' } : { recovered: true }
  }

  #take (peer: Peer, { subscribe, unsubscribe, token, since }: Record<string, string>): void {
    if (subscribe) this.#subscribe(peer, subscribe, since ?? 'now', true)
    if (unsubscribe) {
      peer.channels.delete(unsubscribe)
      // On its way for a while.
      setTimeout(() => { peer.send({ channel: unsubscribe, event: 'unsubscribed' }) }, 1)
    }
    if (token) {
      peer.token = token
      peer.send({ event: 'token', expiresIn: this.expiresIn })
    }
  }

  #answer (url: string, headers: Headers, signal: AbortSignal): Response {
    const polls = url.includes('wait=')
    let controller: ReadableStreamDefaultController | undefined
    const peer: Peer = {
      channels: new Set(),
      token: (headers.get('authorization') ?? '').replace('Bearer ', ''),
      send: (frame) => { controller?.enqueue(new TextEncoder().encode(`${Object.keys(frame).length ? JSON.stringify(frame) : ''}\n`)) },
      end: () => {
        this.peers.delete(peer)
        controller?.close()
        controller = undefined
      }
    }
    if (polls) return this.#poll(new URL(url), peer)
    if (this.older && url.includes(',')) return new Response('{"statusCode":400,"code":"MSG_ERR_CHANNEL_INVALID"}', { status: 400 })
    const body = new ReadableStream({
      start: (value) => { controller = value },
      cancel: () => { peer.end(0, '') }
    })
    signal.addEventListener('abort', () => {
      this.peers.delete(peer)
      controller = undefined
    })
    this.#begin(peer, new URL(url), false)
    return new Response(body, { headers: { 'content-type': 'application/x-ndjson' } })
  }

  /** Answers a poll with what there is, 100 messages at most. */
  #poll ({ pathname, searchParams }: URL, { token }: Peer): Response {
    const channel = pathname.slice(1)
    this.urls.push(channel)
    const refusal = this.#refusal(channel, token)
    if (refusal) return new Response(JSON.stringify(refusal), { status: refusal.close - 4000 })
    const since = searchParams.get('since') ?? 'now'
    const after = this.#offset(channel, since)
    const messages = this.log(channel).slice(after, after + 100).map((message, index) => ({ channel, message, id: `${this.epoch}:${after + index + 1}` }))
    const id = messages.at(-1)?.id ?? `${this.epoch}:${after}`
    return new Response(JSON.stringify({ channel, messages, id, ...this.#standing(since) }), { headers: { 'content-type': 'application/json' } })
  }
}
