import { COLLECT, FORBIDDEN, MAX_TIMER, MAX_URL, POLICY, POLL, STREAM, UNAUTHORIZED } from './constants.js'
import type { Frame } from './frame.js'
import { http } from './http.js'
import type { Options } from './options.js'
import type { Arrival } from './transport.js'
import { webSocket } from './websocket.js'

/** What subscriptions have in common that share a connection; `own` differs for those that do not want to. */
export type Key = [server: string, token: Options['token'], transport: number, credentials: Options['credentials'], own: unknown]

/** A subscription, as its connection sees it. */
export interface Member {
  readonly channel: string
  /** Leaves the connection. */
  readonly signal: AbortSignal
  /** Whether the server has been asked for it; undefined: to leave, or it waits for another token. */
  asked?: boolean | undefined
  /** Whether a token has been asked for because of it, so that there is nothing left to ask for. */
  covered?: boolean
  since: () => string
  /** The token is there, and the server is asked. */
  ready: () => void
  /**
   * Takes a frame of the channel, and events that the server does not send: `close`, the end for this channel; `again`, the
   * channel is to be had alone only; `error`, no frame or no connection.
   */
  take: (frame: Partial<Frame>) => void
}

/** `now`: without waiting for others of the same task. */
type Add = (key: Key, member: Member, now?: boolean) => boolean

const connections = new Set<Add>()
/** How many channels a connection may have. */
let capacity = 100

/** Adds the subscription to a connection that has room and no subscription to the same channel, or to a new one. */
export const join = (...args: Parameters<Add>): void => {
  if (![...connections].some((add) => add(...args))) create(args[0])(...args)
}

const create = (own: Key): Add => {
  const [server, token, transport, credentials] = own
  /** By their channels, those included that the server has not yet let go. */
  const members = new Map<string, Member>()
  let size = 0
  /** Drops the connection. */
  let connection = new AbortController()
  /** Whether a token is about to be asked for that covers more channels. */
  let widens: boolean
  /** How many channels the connection may have where it takes frames, otherwise 0; negative before the first word of the server. */
  let frames = -1
  let send: (frame: object) => void
  let timer: ReturnType<typeof setTimeout> | undefined

  const later = (action: () => unknown, ms: number) => {
    clearTimeout(timer)
    timer = setTimeout(action, ms)
  }

  const drop = () => {
    connections.delete(add)
    connection.abort()
    clearTimeout(timer)
    frames = -1
  }

  const tell = (frame: Partial<Frame>, channel?: string) => {
    members.forEach((member) => {
      if (!member.signal.aborted) member.take((channel ?? member.channel) === member.channel ? frame : { event: 'alive' })
    })
  }

  /** Tells the server what has changed, over HTTP by another request. */
  const sync = () => {
    members.forEach((member, channel) => {
      const { asked, signal } = member
      if (frames >= 0 && asked === signal.aborted) {
        if (frames) {
          member.asked = !asked || undefined
          if (!asked) member.ready()
          send(asked ? { unsubscribe: channel } : { subscribe: channel, since: member.since() })
        } else later(open, COLLECT)
      }
    })
  }

  const receive = ({ data, code, reason, floor }: Arrival) => {
    if (data === undefined) {
      drop()
      // Of several channels, which a server of an older version does not know, it is not said which one was meant.
      tell(members.size > 1 && (code === POLICY || code === FORBIDDEN)
        ? { event: 'again' }
        : { event: 'close', code, reason, floor, dice: Math.random() })
    } else {
      const frame = (data ? JSON.parse(data as string) : { event: 'alive' }) as Frame
      const { channel, event, close } = frame
      const member = members.get(channel)
      if (event === 'unsubscribed') members.delete(channel)
      else if (event === 'refused' && member) {
        member.asked = undefined
        if (close === FORBIDDEN && typeof token === 'function' && !member.covered) {
          member.covered = widens = true
          later(refresh, COLLECT)
        } else {
          // It needs a connection with another token.
          if (close === UNAUTHORIZED) connections.delete(add)
          tell({ event: 'close', code: close, reason: frame.retry ? `${frame.code} retry=${frame.retry}` : frame.code as unknown as string }, channel)
        }
      } else {
        tell(frame, channel)
        if (event === 'subscribed' && frames < 0) {
          frames = frame.frames ?? 0
          capacity = frames || capacity
          sync()
        }
        if (frame.expiresIn && frames > 0 && !widens) later(refresh, Math.min(frame.expiresIn * 0.9, MAX_TIMER))
      }
    }
  }

  const open = async (refreshes?: boolean) => {
    if (!refreshes) {
      connection.abort()
      connection = new AbortController()
      frames = -1
    }
    const { signal } = connection
    const asking = [...members.values()]
    widens = false
    try {
      const bearer = await (typeof token === 'function' ? token(asking.map(({ channel }) => channel)) : token)
      if (signal.aborted) return
      if (refreshes) {
        send({ token: bearer })
        asking.forEach((member) => { member.asked = Boolean(member.asked) })
        sync()
        return
      }
      members.forEach(({ signal }, channel) => { if (signal.aborted) members.delete(channel) })
      const list = [...members.values()]
      const address = () => {
        const [, path, channels] = /^(.{0,100})(?:,|$)(.*)/.exec(list.map(({ channel }) => channel).join()) as unknown as [string, string, string]
        return `${server + path}?${new URLSearchParams({ since: list.map(({ since }) => since()).join(), ...channels && { channels } }) as unknown as string}`
      }
      let other: Add | undefined
      while (address().length > MAX_URL) {
        const member = list.pop() as Member
        member.asked = false
        // What a WebSocket can be asked for later.
        if (transport) {
          members.delete(member.channel)
          size--;
          (other ??= create(own))(own, member)
        }
      }
      list.forEach((member) => {
        member.asked = member.covered = true
        member.ready()
      })
      send = await (transport ? http : webSocket)(address, bearer, signal, (arrival) => {
        try {
          if (!signal.aborted) receive(arrival)
        } catch (error) {
          tell({ event: 'error', error })
        }
      }, transport - STREAM, credentials) as typeof send
    } catch (error) {
      if (refreshes) members.forEach(({ asked, channel }) => { if (!asked) tell({ event: 'close', code: UNAUTHORIZED, reason: String(error) }, channel) })
      else if (!signal.aborted) {
        drop()
        tell(members.size > 1 ? { event: 'again' } : { event: 'error', error })
      }
    }
  }

  const refresh = () => open(true)

  const add: Add = (key, member, now) => {
    const { channel, signal } = member
    const fits = members.size < capacity && !members.has(channel) && key.every((part, index) => part === own[index])
    if (fits) {
      size++
      members.set(channel, member)
      member.asked = false
      signal.onabort = () => {
        if (!member.asked) members.delete(channel)
        // A token function or a server that does not answer is not waited for by others in turn.
        if (frames < 0) connections.delete(add)
        if (--size) sync()
        else drop()
      }
      sync()
      if (now && timer === first) {
        clearTimeout(timer)
        void open()
      }
    }
    return fits
  }

  if (transport < POLL) connections.add(add)
  later(open, 0)
  const first = timer
  return add
}
