import { delay } from './backoff.js'
import { ABNORMAL, BASE, EPOCHS, FORBIDDEN, MAX_TIMER, OPEN_TIMEOUT, POLICY, POLL, POLL_HEARTBEAT, PROBE, STREAM, TOKEN_TIMEOUT, UNAUTHORIZED, WEBSOCKET } from './constants.js'
import { http } from './http.js'
import type { Meta, Options, State } from './options.js'
import { channelUrl, page } from './server-url.js'
import { OURS } from './transport.js'
import { webSocket } from './websocket.js'

/** A frame as the server should send it; what it does send is checked where it matters. */
interface Frame {
  id: string
  message?: unknown
  event?: string
  recovered?: boolean | undefined
  reason?: string | undefined
  heartbeat?: number
  code?: number
  /** Only in the answer to a poll. */
  messages?: Frame[] | undefined
}

const ID = /^(.+):(\d+)$/
const CHANNEL = /^\w[\w.:@=+~-]{0,99}$/

const SILENCE = 'silence'
const WAKE_EVENTS = 'online pageshow visibilitychange'.split(' ')

/**
 * Calls `onMessage` with each message of `channel`, in order and once, and keeps doing so over lost connections. Messages that
 * can no longer be had are announced to `options.onGap`.
 * Throws a `TypeError` when the channel's name is invalid, the callback is missing, or the server is not a web address; nothing
 * else throws. Connects after the current task. Returns a function that ends it: no callback is called any more, calling it again
 * does nothing.
 */
// The type parameter is an assertion about what the publisher sends: it spares callers a cast in every callback.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export const connectToChannel = <T = unknown>(channel: string, onMessage: (message: T, meta: Meta) => void, options: Options = {}): () => void => {
  const { token, onClose, onError, onGap = ({ reason }) => { console.warn(`${url}: gap, ${reason}`) } } = options
  const url = channelUrl(channel, options.server)
  // What is not a string differs from the text that is matched.
  if (CHANNEL.exec(channel)?.input !== channel || typeof onMessage !== 'function' || !/^http/.test(url)) {
    throw new TypeError('expected channel, callback, server')
  }
  /** The transports that may be used, by their indices. */
  const first = options.transport === 'http' ? STREAM : WEBSOCKET
  const last = options.transport === 'websocket' ? WEBSOCKET : POLL
  const listeners = new AbortController()

  let cursor = options.since || 'now'
  /** The last offsets of the last epochs. */
  let offsets = new Map<string, number>()
  let state: State | undefined
  /** What the console has been told. */
  let reported = ''
  let attempt = 0
  /** The transport that worked last, and the one in use. */
  let preferred = first
  let transport = preferred
  /** Drops the connection. What a dropped one still has to say is ignored. */
  let connection = new AbortController()
  /** How long a connection by another transport than the first lasts before that one is tried again. */
  let patience = PROBE
  let startedAt = 0
  /** What has come on this connection; 1: a word of the service, 2: more than a first `subscribed`. */
  let heard = 0
  /** What is due `limit` milliseconds after `mark`, or `soon` where the page wakes up. */
  let due: (awake?: boolean) => void
  let mark = 0
  let limit = 0
  let soon = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  const arm = (ms: number) => {
    clearTimeout(timer)
    timer = setTimeout(check, Math.min(ms, MAX_TIMER))
  }

  // Timers stand still while the machine sleeps, so it is the clock that decides.
  const check = (awake?: boolean) => {
    const now = Date.now()
    // The clock may have been set back.
    mark = Math.min(mark, now)
    const left = mark + (awake ? soon : limit) - now
    if (left > 0) arm(left)
    else if (left <= 0) due(awake)
  }

  const schedule = (next: typeof due, ms: number, msAwake = ms) => {
    due = next
    limit = ms
    soon = msAwake
    mark = Date.now()
    arm(ms)
  }

  const call = <A extends unknown[]>(callback: ((...args: A) => void) | undefined, ...args: A) => {
    try {
      if (!listeners.signal.aborted) callback?.(...args)
    } catch (error) {
      console.error(error)
    }
  }

  const enter = (next: State) => {
    if (state !== next) call(options.onState, state = next)
  }

  const reset = () => {
    clearTimeout(timer)
    connection.abort()
  }

  const disconnect = () => {
    listeners.abort()
    reset()
  }

  const end = (code: number, reason = '', floor = 0, atOnce?: boolean) => {
    // What goes silent after its first word has been collected by something between, or is no connection any more.
    const ours = OURS.test(reason) || heard > Number(reason === SILENCE)
    const final = ours && [POLICY, FORBIDDEN].includes(code)
    let wait = 0
    reset()
    if (heard > 1) attempt = 0
    if (!ours && !atOnce && !floor && code !== UNAUTHORIZED && transport < last && (transport < STREAM || reason === SILENCE)) transport++
    else {
      transport = heard ? preferred : preferred = first
      // A token that was good for a while has only run out: the next one is asked for at once.
      if (heard && code === UNAUTHORIZED && Date.now() - startedAt > BASE) attempt = 0
      else if (!atOnce) wait = delay(attempt++, heard > 0, reason)
    }
    schedule(connect, floor + wait, floor)
    const text = `${url}: ${code} ${reason}, check ${code > 4000 ? 'token' : final ? 'channel' : 'server'}`
    if (!onClose && !onError && (final || (wait && (code === UNAUTHORIZED || !offsets.size))) && !reported.includes(text)) {
      console.error(text)
      reported += text
    }
    call(onClose, { code, reason, final })
    enter(final ? 'closed' : wait ? 'waiting' : 'connecting')
    if (final) disconnect()
  }

  const take = ({ id, message, event, recovered, reason, heartbeat, code, messages }: Frame) => {
    if (messages) {
      // The position before the first message, which may be one of another epoch than the one asked for.
      const before = messages[0]?.id.replace(/\d+$/, (offset) => offset as unknown as number - 1 as unknown as string) ?? id
      take({ event: 'subscribed', id: before, recovered, reason, heartbeat: POLL_HEARTBEAT })
      messages.forEach(take)
    } else if (event === 'close') {
      end(code as number, reason)
    } else if (event && event !== 'subscribed') {
      if (!heard) return
      heard = 2
      mark = Date.now()
    } else {
      const [, epoch, digits] = ID.exec(id) as unknown as [string, string, number]
      const had = offsets.get(epoch) ?? -1
      const ahead = digits - had - Number(!event)
      const gap = recovered === false ? cursor !== 'now' : offsets.size && ahead > 0 && (!event || cursor.startsWith(epoch + ':'))
      heard = event && !heard ? 1 : 2
      mark = Date.now()
      if (event) schedule(due, (heartbeat as number) * 1.5)
      if (state !== 'open') {
        preferred = transport
        enter('open')
        call(options.onOpen)
      }
      if (!event && ahead < 0) return
      const offset = Math.max(had, digits)
      cursor = `${epoch}:${offset}`
      offsets = new Map([...offsets, [epoch, offset] as const].slice(-EPOCHS))
      if (gap) call(onGap, { reason: reason || 'missed' })
      if (!event) call(onMessage, message as T, { id, channel })
    }
  }

  /** Begins anew, where WebSockets may get through by now, and where a socket of a former network may look open and be dead. */
  const renew = (reason: string) => {
    preferred = transport = first
    if (due === connect) check(true)
    else end(ABNORMAL, reason, 0, true)
  }

  const connect = () => {
    reset()
    const { signal } = connection = new AbortController()
    const isOver = () => signal.aborted
    let code = UNAUTHORIZED
    const silent = (awake?: boolean) => { end(code, SILENCE, 0, awake) }
    const fail = (error: unknown) => {
      if (!isOver()) call(onError, error)
      // The callback may have disconnected. What comes after a word of the service ends nothing.
      if (!isOver() && !heard) end(code, String(error))
    }
    heard = 0
    schedule(silent, TOKEN_TIMEOUT, BASE)
    enter('connecting')
    Promise.resolve().then(() => !isOver() && typeof token === 'function' ? token() : token as string).then((bearer) => {
      if (isOver()) return
      code = ABNORMAL
      schedule(silent, OPEN_TIMEOUT, BASE)
      startedAt = mark;
      (transport ? http(transport === POLL, options.credentials) : webSocket)(
        () => `${url}?${new URLSearchParams({ since: cursor }) as unknown as string}`,
        bearer,
        signal,
        (text) => {
          if (isOver()) return
          try {
            take((text ? JSON.parse(text) : { event: 'alive' }) as Frame)
          } catch (error) {
            fail(error)
          }
          if (!isOver() && transport > first && mark - startedAt > patience) {
            patience *= 2
            renew('probe')
          }
        },
        (code, reason, floor) => { if (!isOver()) end(code, reason, floor) }
      )
    }).catch(fail)
  }

  for (const type of WAKE_EVENTS) {
    (globalThis as Partial<typeof globalThis>).addEventListener?.(type, () => {
      if (type === 'online') renew(type)
      else if (!page?.hidden) check(true)
    }, listeners)
  }

  schedule(connect, 0)
  return disconnect
}
