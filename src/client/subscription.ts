import { delay } from './backoff.js'
import { join } from './connection.js'
import { ABNORMAL, BASE, EPOCHS, FORBIDDEN, MAX_TIMER, OPEN_TIMEOUT, POLICY, POLL, POLL_HEARTBEAT, PROBE, TOKEN_TIMEOUT, UNAUTHORIZED } from './constants.js'
import type { Frame } from './frame.js'
import type { Meta, Options, State } from './options.js'
import { channelUrl, page } from './server-url.js'

const SILENCE = 'silence'

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
  const { onClose, onError, onGap = ({ reason }) => { console.warn(`${url}: gap, ${reason}`) } } = options
  const server = channelUrl('', options.server)
  const url = server + channel
  // The origin of anything but a web address is `null`.
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition
  if (!channel?.match?.(/^\w[\w.:@=+~-]{0,99}$/) || !onMessage?.call || url[0] !== 'h') {
    throw new TypeError('expected channel, callback, server')
  }
  /** The index of the transport that is tried first: `STREAM` or `WEBSOCKET`. */
  const first = Number(options.transport === 'http')
  const listeners = new AbortController()

  let cursor = options.since || 'now'
  /** The last offsets of the last epochs. */
  let offsets = new Map<string, number>()
  let state: State | undefined
  /** What the console has been told. */
  let reported = ''
  let attempt = 0
  /** There was no token for several channels. */
  let alone: boolean
  /** The transport in use. */
  let transport = first
  /** Drops the connection. What a dropped one still has to say is ignored. */
  let connection: AbortController
  /** How long a connection by another transport than the first lasts before that one is tried again. */
  let patience = PROBE
  let startedAt: number
  /** The code of a failure now. */
  let code: number
  /** Frames of the service on this connection. More than one means more than that it was accepted. */
  let heard: number
  /** What is due `limit` milliseconds after `mark`, or `soon` where the page wakes up. */
  let due: (awake?: boolean) => unknown
  let mark: number
  let limit: number
  let soon: number
  let timer: ReturnType<typeof setTimeout> | undefined

  // Timers stand still while the machine sleeps, so it is the clock that decides; it may have been set back.
  const check = (awake?: boolean, begins?: boolean) => {
    mark = Math.min(mark, Date.now())
    const left = mark + (awake ? soon : limit) - Date.now()
    if (begins || left > 0) {
      clearTimeout(timer)
      timer = setTimeout(check, Math.min(left, MAX_TIMER))
    } else if (left <= 0) due(awake)
  }

  const schedule = (next: typeof due, ms: number, msAwake = ms) => {
    due = next
    limit = ms
    soon = msAwake
    mark = Date.now()
    check(false, true)
  }

  const call = <A, B>(callback: ((a: A, b: B) => void) | undefined, a?: A, b?: B) => {
    try {
      if (!listeners.signal.aborted) callback?.(a as A, b as B)
    } catch (error) {
      console.error(error)
    }
  }

  const enter = (next: State) => {
    if (state !== next) call(options.onState, state = next)
  }

  const disconnect = () => {
    listeners.abort()
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition
    connection?.abort()
    clearTimeout(timer)
  }

  const end = ({ code = ABNORMAL, reason = '', floor = 0, dice }: Partial<Frame>, atOnce?: boolean) => {
    alone = false
    // What goes silent after its first word has been collected by something between, or is no connection any more.
    const ours = /^MSG_ERR|^retry=/.test(reason) || heard > Number(reason === SILENCE)
    const final = ours && (code === POLICY || code === FORBIDDEN)
    let wait = 0
    connection.abort()
    if (!ours && !atOnce && !floor && code !== UNAUTHORIZED && transport < POLL && options.transport !== 'websocket' && (!transport || reason === SILENCE)) transport++
    else {
      if (!heard) transport = first
      // A token that was good for a while has only run out: the next one is asked for at once.
      if (heard && code === UNAUTHORIZED && Date.now() - startedAt > BASE) attempt = 0
      else if (!atOnce) wait = delay(attempt++, heard, reason, dice)
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

  const take = (frame: Partial<Frame>) => {
    const { id, event, reason, messages } = frame
    const known = !event || event === 'subscribed'
    if (event === 'close') end(frame)
    else if (event === 'again') {
      alone = true
      connect()
    } else if (event === 'error') {
      call(onError, frame.error)
      // The callback may have disconnected. What comes after a word of the service ends nothing.
      if (!connection.signal.aborted && !heard) end({ code, reason: String(frame.error) })
    } else if (transport > first && Date.now() - startedAt > patience) {
      // What is not taken now comes again.
      patience *= 2
      renew('probe')
    } else if (messages) {
      // The position before the first message, which may be one of another epoch than the one asked for.
      take({
        ...frame,
        event: 'subscribed',
        id: messages[0]?.id.replace(/\d+$/, (offset) => offset as unknown as number - 1 as unknown as string) ?? id as string,
        heartbeat: POLL_HEARTBEAT,
        messages: undefined
      })
      messages.forEach(take)
    } else if (known || heard) {
      const [, epoch, digits] = (known ? /^(.+):(\d+)$/.exec(id as string) : []) as unknown as [string, string, number]
      if (event === 'subscribed') heard ||= 1
      else {
        heard = 2
        attempt = 0
      }
      mark = Date.now()
      if (!known) return
      const had = offsets.get(epoch) ?? -1
      const ahead = digits - had - Number(!event)
      const gap = frame.recovered === false ? cursor !== 'now' : offsets.size && ahead > 0 && (!event || cursor.startsWith(epoch + ':'))
      if (event) schedule(due, (frame.heartbeat as number) * 1.5)
      if (state !== 'open') {
        enter('open')
        call(options.onOpen)
      }
      if (!event && ahead < 0) return
      const offset = Math.max(had, digits)
      cursor = `${epoch}:${offset}`
      offsets = new Map([...offsets, [epoch, offset] as const].slice(-EPOCHS))
      if (gap) call(onGap, { reason: reason || 'missed' })
      if (!event) call(onMessage, frame.message as T, { id: id as string, channel })
    }
  }

  /** Begins anew, where WebSockets may get through by now, and where a socket of a former network may look open and be dead. */
  const renew = (reason: string) => {
    transport = first
    if (due === connect) check(true)
    else end({ reason }, true)
  }

  const silent = (awake?: boolean) => { end({ code, reason: SILENCE }, awake) }

  const connect = (awake?: boolean) => {
    connection = new AbortController()
    heard = 0
    code = UNAUTHORIZED
    schedule(silent, TOKEN_TIMEOUT, BASE)
    enter('connecting')
    if (!connection.signal.aborted) {
      join([server, options.token, transport, options.credentials, (alone || options.share === false) && {}], {
        channel,
        signal: connection.signal,
        since: () => cursor,
        ready () {
          heard = 0
          code = ABNORMAL
          schedule(silent, OPEN_TIMEOUT, BASE)
          startedAt = mark
        },
        take
      }, awake)
    }
  };

  ['online', 'pageshow', 'visibilitychange'].forEach((type) => {
    (globalThis as Partial<typeof globalThis>).addEventListener?.(type, () => {
      if (type === 'online') renew(type)
      else if (!page?.hidden) check(true)
    }, listeners)
  })

  schedule(connect, 0)
  return disconnect
}
