import { join } from './connection.js'
import { UNAUTHORIZED } from './constants.js'
import type { Frame } from './frame.js'
import type { Close, Meta, Options, State } from './options.js'
import { channelUrl } from './server-url.js'

/** The values that subscriptions on one connection have in common; `own` is unique for one that does not share. */
type Key = [server: string, token: Options['token'], option: Options['transport'] | number, credentials: Options['credentials'], own: unknown]

/** A subscription, as its connections see it. */
export interface Member {
  readonly channel: string
  readonly _key: Key
  _state: State | undefined
  /** How many attempts have failed in a row. */
  _attempt: number
  /** The position. */
  since: string
  /** `NEW`, `DENIED` or `COVERED`. */
  _asked: number
  _enter: (state: State) => void
  _fail: (error: unknown) => void
  _end: (close: Close, wait: number) => void
  _take: (frame: Frame, begins: unknown, epoch: string, offset: number) => void
  /** Tells the server, where it takes frames, that the callback has returned. */
  _acknowledge: (ack: string, channel: string) => void
  /** Takes subscriptions off the connection. */
  _drop: (list: Member[]) => void
}

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
  let server!: string
  try {
    server = channelUrl('', options.server)
  } catch {
    // Not an address, or one that is relative to none: outside of pages.
  }
  const url = server + channel
  // The origin of anything but a web address is `null`.
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition
  if (!channel?.match?.(/^\w[\w.:@=+~-]{0,99}$/) || !onMessage?.call || url[0] !== 'h') {
    throw new TypeError('expected channel, callback, server')
  }

  /** The last offsets of the last epochs. */
  const offsets = new Map<string, number>()
  /** The line that was last written to the console. */
  let reported = ''
  let ended: boolean

  const call = <A>(callback: ((a: A) => void) | undefined, a?: A) => {
    try {
      if (!ended) callback?.(a as A)
    } catch (error) {
      console.error(error)
    }
  }

  const disconnect = () => {
    if (!ended) {
      ended = true
      member._drop([member])
    }
  }

  const member = {
    channel,
    _key: [server, options.token, options.transport, options.credentials, options.share === false ? {} : options.share ?? true],
    _attempt: 0,
    since: options.since || 'now',
    _enter (next) {
      if (member._state !== next) call(options.onState, member._state = next)
    },
    _fail (error) { call(onError, error) },
    _end (close, wait) {
      const { code, reason, final } = close
      const text = `${url}: ${code} ${reason}, check ${code > 4000 ? 'token' : final ? 'channel' : 'server'}`
      if (!ended && !onClose && !onError && (final || (wait && (code === UNAUTHORIZED || !offsets.size))) && !reported.includes(text)) {
        console.error(text)
        reported += text
      }
      call(onClose, close)
      member._enter(final ? 'closed' : wait ? 'waiting' : 'connecting')
      if (final) disconnect()
    },
    _take ({ id, reason, recovered, message, time, receipt }, begins, epoch, digits) {
      const had = offsets.get(epoch) ?? -1
      const ahead = digits - had - Number(!begins)
      const gap = recovered === false ? member.since !== 'now' : offsets.size && ahead > 0 && (!begins || member.since.startsWith(epoch + ':'))
      if (member._state !== 'open') {
        // Not told by a connection that was open before.
        member._enter('connecting')
        member._enter('open')
        call(options.onOpen)
      }
      if (begins || ahead >= 0) {
        const offset = Math.max(had, digits)
        member.since = `${epoch}:${offset}`
        offsets.set(epoch, offset)
        if (gap) call(onGap, { reason: reason || 'missed' })
        if (!begins) {
          call(() => {
            onMessage(message as T, { id, channel, time })
            if (receipt) member._acknowledge(id, channel)
          })
        }
      }
    }
  } as Member

  join(member)
  return disconnect
}
