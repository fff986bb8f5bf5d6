import { FORBIDDEN, MAX_TIMER, MAX_URL, POLICY, POLL, REOPEN, STREAM, UNAUTHORIZED } from './constants.js'
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
  /** Whether the server has been asked for it; undefined: to leave. */
  asked?: boolean | undefined
  since: () => string
  /** The token is there. */
  ready: () => void
  take: (frame: Frame) => void
  /** What came is not a frame, or the connection could not be made. */
  fail: (error: unknown) => void
  /** The channels are not to be had together. */
  again: () => void
  /** `dice`: the same number from 0 to 1 for all that end together, so that they come back together. */
  end: (arrival: Arrival, dice: number) => void
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
  /** Drops the connection. */
  let connection = new AbortController()
  /** The channels that the token was asked for with. */
  let covered: string[]
  /** Undefined before the first word of the server; then whether it takes frames. */
  let frames: number | undefined
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
    frames = undefined
  }

  const end = (arrival: Arrival) => {
    const dice = Math.random()
    const { code } = arrival
    // Of several channels, which a server of an older version does not know, it is not said which one was meant.
    const vague = members.size > 1 && (code === POLICY || code === FORBIDDEN)
    drop()
    members.forEach((member) => {
      if (vague) member.again()
      else member.end(arrival, dice)
    })
  }

  /** Tells the server what has changed, over HTTP by another request. */
  const sync = () => {
    members.forEach((member, channel) => {
      const { asked, signal, since } = member
      if (frames !== undefined && asked === signal.aborted) {
        if (frames) {
          member.asked = !asked || undefined
          if (!asked) member.ready()
          send(asked ? { unsubscribe: channel } : { subscribe: channel, since: since() })
        } else later(open, REOPEN)
      }
    })
  }

  const ask = () => {
    covered = [...members.keys()]
    return typeof token === 'function' ? token(covered) : token
  }

  const refresh = async () => {
    const { signal } = connection
    try {
      const bearer = await ask()
      if (signal.aborted) return
      send({ token: bearer })
      sync()
    } catch (error) {
      members.forEach((member) => { if (!member.asked) member.end({ code: UNAUTHORIZED, reason: String(error) }, Math.random()) })
    }
  }

  const handle = (frame: Frame) => {
    const { channel, event, close, code, expiresIn } = frame
    const member = members.get(channel)
    if (event === 'close') end(frame as Arrival)
    else if (event === 'unsubscribed') members.delete(channel)
    else if (event === 'refused' && member) {
      member.asked = false
      if (close === FORBIDDEN && frames && !covered.includes(channel)) void refresh()
      else {
        if (close === UNAUTHORIZED) connections.delete(add)
        member.end({ code: close, reason: code } as Arrival, Math.random())
      }
    } else {
      members.forEach((member) => { member.take((channel ?? member.channel) === member.channel ? frame : { event: 'alive' } as Frame) })
      if (event === 'subscribed' && frames === undefined) {
        frames = frame.frames ?? 0
        capacity = frames || capacity
        sync()
      }
      if (expiresIn && frames) later(refresh, Math.min(expiresIn * 0.9, MAX_TIMER))
    }
  }

  const open = async () => {
    connection.abort()
    const { signal } = connection = new AbortController()
    let ready = false
    frames = undefined
    try {
      const bearer = await ask()
      if (signal.aborted) return
      ready = true
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
          members.delete(member.channel);
          (other ??= create(own))(own, member)
        }
      }
      list.forEach((member) => {
        member.asked = true
        member.ready()
      })
      send = await (transport ? http : webSocket)(address, bearer, signal, (arrival) => {
        try {
          const { data } = arrival
          if (signal.aborted) return
          if (data === undefined) end(arrival)
          else handle((data ? JSON.parse(data as string) : { event: 'alive' }) as Frame)
        } catch (error) {
          members.forEach((member) => { member.fail(error) })
        }
      }, transport - STREAM, credentials) as typeof send
    } catch (error) {
      if (!signal.aborted) {
        drop()
        members.forEach((member) => {
          if (members.size > 1 && !ready) member.again()
          else member.fail(error)
        })
      }
    }
  }

  const add: Add = (key, member, now) => {
    const { channel, signal } = member
    const fits = transport < POLL && members.size < capacity && !members.has(channel) && key.every((part, index) => part === own[index])
    if (fits || !members.size) {
      members.set(channel, member)
      member.asked = false
      signal.onabort = () => {
        if (!member.asked) members.delete(channel)
        if ([...members.values()].every(({ signal }) => signal.aborted)) drop()
        else sync()
      }
      if (frames !== undefined) {
        sync()
      } else if (now && timer === first) {
        clearTimeout(timer)
        void open()
      }
    }
    return fits
  }

  connections.add(add)
  later(open, 0)
  const first = timer
  return add
}
