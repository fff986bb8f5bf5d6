import { BASE, delay } from './backoff.js'
import { httpStream } from './http-stream.js'
import type { Meta, Options, State } from './options.js'
import { channelUrl, page } from './server-url.js'
import { webSocket } from './websocket.js'

/** A frame as the server should send it; what it does send is checked where it matters. */
interface Frame {
  channel: string
  id: string
  message?: unknown
  event?: string
  recovered?: boolean
  reason?: string
  heartbeat?: number
  code?: number
}

/** How long a new connection may stay silent. */
const OPEN_TIMEOUT = 10_000

const ABNORMAL = 1006
const UNAUTHORIZED = 4401
const FINAL = [1008, 4403]
const WAKE_EVENTS = ['online', 'pageshow', 'visibilitychange']

const parseId = (id: string) => /^(.+):(\d+)$/.exec(id)

/**
 * Calls `onMessage` with each message of `channel`, in order and once, and keeps doing so over lost connections. Messages that
 * can no longer be had are announced to `options.onGap`.
 * Throws a `TypeError` when the channel or the callback is missing, or the server is not a web address; nothing else throws.
 * Connects after the current task. Returns a function that ends it: no callback is called any more, calling it again does nothing.
 */
// The type parameter is an assertion about what the publisher sends: it spares callers a cast in every callback.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export const connectToChannel = <T = unknown>(channel: string, onMessage: (message: T, meta: Meta) => void, options: Options = {}): () => void => {
  if (!channel || typeof channel !== 'string' || typeof onMessage !== 'function') throw new TypeError('expected a channel and a callback')

  const { token, transport, since } = options
  const url = channelUrl(channel, options.server)
  const listeners = new AbortController()

  let cursor = since || 'now'
  let state: State | undefined
  let stopped = false
  let attempt = 0
  /** The transport that worked last, and the one in use. */
  let preferHttp = transport === 'http'
  let http = preferHttp
  /** Counts connections, so that what a dropped one still has to say is ignored. */
  let generation = 0
  let drop: (() => void) | undefined
  let retryTimer: ReturnType<typeof setTimeout> | undefined
  let watchdog: ReturnType<typeof setTimeout> | undefined
  let heardAt = 0
  let startedAt = 0
  /** Milliseconds; 0: no limit. */
  let maxSilence = 0

  const call = <A extends unknown[]>(callback: ((...args: A) => void) | undefined, ...args: A) => {
    try {
      if (!stopped) callback?.(...args)
    } catch (error) {
      console.error(error)
    }
  }

  const enter = (next: State) => {
    if (state !== next) call(options.onState, state = next)
  }

  const reset = () => {
    generation++
    clearTimeout(retryTimer)
    clearTimeout(watchdog)
    retryTimer = undefined
    drop?.()
    drop = undefined
  }

  const disconnect = () => {
    stopped = true
    reset()
    listeners.abort()
  }

  const end = (code: number, reason: string, atOnce?: boolean) => {
    const final = FINAL.includes(code)
    const wasOpen = state === 'open'
    reset()
    let wait = 0
    if (!final) {
      if (!wasOpen && !atOnce && code === ABNORMAL && http === preferHttp && (transport || 'auto') === 'auto') {
        http = !http
      } else {
        http = preferHttp
        // A token that was good for a while has only run out: the next one is asked for at once.
        if (wasOpen && code === UNAUTHORIZED && Date.now() - startedAt > BASE) attempt = 0
        else if (!atOnce) wait = delay(attempt++, wasOpen, reason)
      }
      retryTimer = setTimeout(connect, wait)
    }
    call(options.onClose, { code, reason, final })
    enter(final ? 'closed' : wait ? 'waiting' : 'connecting')
    if (final) disconnect()
  }

  // Timers stand still while the machine sleeps, so it is the clock that decides.
  const check = (awake?: boolean) => {
    clearTimeout(watchdog)
    if (!maxSilence) return
    const left = heardAt + maxSilence - Date.now()
    if (left > 0) watchdog = setTimeout(check, left)
    else end(ABNORMAL, 'silence', awake)
  }

  const receive = (text: string) => {
    heardAt = Date.now()
    // A connection that lasts counts as a success, not one that is accepted and cut again.
    if (!text) {
      attempt = 0
      return
    }
    try {
      const { channel: name, id, message, event, recovered, reason, heartbeat, code } = JSON.parse(text) as Frame
      if (event === 'close') {
        end(code as number, reason || '')
        return
      }
      const [, epoch, offset] = parseId(id) as RegExpExecArray
      const [, lastEpoch, lastOffset] = parseId(cursor) || []
      if (event === 'subscribed') {
        maxSilence = (heartbeat as number) * 1.5 || 0
        check()
      } else {
        attempt = 0
      }
      if (state !== 'open') {
        preferHttp = http
        enter('open')
        call(options.onOpen)
      }
      if (event && event !== 'subscribed') return
      const known = epoch === lastEpoch
      const ahead = Number(offset) - Number(lastOffset) - (event ? 0 : 1)
      if (known && ahead < 0 && recovered !== false) return
      if (cursor !== 'now' && (recovered === false || (lastOffset && (!known || ahead > 0)))) call(options.onGap, { reason: reason || 'missed' })
      cursor = id
      if (!event) call(onMessage, message as T, { id, channel: name })
    } catch (error) {
      call(options.onError, error)
    }
  }

  const connect = async () => {
    reset()
    const mine = generation
    maxSilence = 0
    enter('connecting')
    if (stopped) return
    try {
      const bearer = typeof token === 'function' ? await token() : token
      if (mine !== generation) return
      startedAt = heardAt = Date.now()
      maxSilence = OPEN_TIMEOUT
      check()
      drop = (http ? httpStream : webSocket)(
        `${url}?since=${encodeURIComponent(cursor)}&heartbeat`,
        bearer,
        (text) => { if (mine === generation) receive(text) },
        (code, reason) => { if (mine === generation) end(code, reason) }
      )
    } catch (error) {
      if (mine === generation) call(options.onError, error)
      // The callback may have disconnected.
      if (mine === generation) end(UNAUTHORIZED, String(error))
    }
  }

  for (const type of WAKE_EVENTS) {
    addEventListener(type, () => {
      if (type !== 'online' && page?.hidden) return
      if (retryTimer) void connect()
      // A socket of the network before this one may look open and be dead; resuming is cheaper than finding out.
      else if (type === 'online') end(ABNORMAL, type, true)
      else check(true)
    }, listeners)
  }

  retryTimer = setTimeout(connect)
  return disconnect
}
