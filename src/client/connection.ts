import { address } from './address.js'
import { alarm } from './alarm.js'
import { delay } from './backoff.js'
import { ABNORMAL, ALONE, ASKED, BASE, COLLECT, COVERED, DENIED, FORBIDDEN, MAX_URL, NEW, OPEN, OPEN_TIMEOUT, POLICY, POLL, PROBE, SILENCE, STREAM, TOKEN_TIMEOUT, UNAUTHORIZED } from './constants.js'
import { begin, type Frame } from './frame.js'
import { http } from './http.js'
import { type Add, connections, share } from './sharing.js'
import type { Member } from './subscription.js'
import type { End } from './transport.js'
import { onWakeUp } from './wake-up.js'
import { webSocket } from './websocket.js'

/** How many channels a connection may have. */
let capacity = 100

/**
 * Adds the subscription to a connection of its batch that has room and no subscription to the same channel, or to a new one,
 * which is made after `batch` milliseconds, or after `floor` where the page wakes up. Where it ends, another takes its place.
 */
export const join = (member: Member, transport: number, batch = OPEN, floor = 0, patience = PROBE): void => {
  if (share(member, batch)) return
  const { _key } = member
  const [server, token, option, credentials] = _key
  const first = ~~((option === 'http' || option) as number)
  const renewable = typeof token === 'function'
  const members = new Map<string, Member>()
  /** The channels that the server has yet to let go, of which what comes is for nobody. */
  const left = new Set<string>()
  /** When to connect, and when to give a connection up. */
  const [schedule, check, stop, touch] = alarm()
  /** When to ask for a token, or over HTTP for other channels. */
  const [later,, cancel] = alarm()
  const connection = new AbortController()
  const { signal } = connection
  /** More than one means more than that it was accepted. */
  let heard = 0
  /** How many channels the connection may have where it takes frames, otherwise 0; undefined before the first word of the server. */
  let frames: number | undefined
  /** The channels that the token in use was asked for. */
  let names: string[]
  /** Whether a token is about to be asked for that covers more channels. */
  let widens: boolean
  let turn = Promise.resolve()
  /** When the server was asked; 0 while the token is asked for; undefined before. */
  let startedAt: number | undefined
  let send: (frame: object) => void

  const all = () => [...members.values()]

  const put = (member: Member) => {
    const { channel } = member
    member._asked = NEW
    members.set(channel, member)
    member._leave = () => {
      remove(member)
      if (member._asked && !signal.aborted) {
        left.add(channel)
        tell({ unsubscribe: channel })
      }
    }
    sync()
  }

  const add: Add = (member, other) => {
    const fits = batch === other && transport < POLL && members.size < capacity && !members.has(member.channel) && member._key.every((part, index) => part === _key[index])
    if (fits) put(member)
    return fits
  }

  const remove = ({ channel }: Member) => {
    members.delete(channel)
    if (!members.size) {
      connections.delete(add)
      connection.abort()
      stop()
      cancel()
    }
  }

  const move = (list = all(), batch?: number, floor?: number) => {
    list.forEach(remove)
    list.forEach((member) => { join(member, transport, batch, floor, patience) })
  }

  const end: End = ({ code = startedAt ? ABNORMAL : UNAUTHORIZED, reason = '', floor = 0 }, atOnce, list = all()) => {
    // What goes silent after its first word has been collected by something between, or is no connection any more.
    const ours = /^MSG_ERR|^retry=/.test(reason) || heard > Number(reason === SILENCE)
    const final = ours && (code === POLICY || code === FORBIDDEN)
    let wait = 0
    if (signal.aborted) return
    // Of several channels, which a server of an older version does not know, it is not said which one was meant.
    if (final && list[1]) move(list, ALONE)
    else {
      if (!ours && !atOnce && !floor && code !== UNAUTHORIZED && transport < POLL && option !== 'websocket' && (!transport || reason === SILENCE)) transport++
      else {
        if (!heard) transport = first
        list.forEach((member) => {
          // A token that was good for a while has only run out: the next one is asked for at once.
          if (code === UNAUTHORIZED && member._state === 'open' && Date.now() - (startedAt as number) > BASE) member._attempt = 0
          else if (!atOnce) wait = delay(member._attempt++, heard, reason)
        })
      }
      move(list, wait + floor, floor)
      list.forEach((member) => { member._end({ code, reason, final }, wait) })
    }
  }

  const silence = (awake?: boolean) => { end({ reason: SILENCE }, awake) }

  const fail = (error: unknown) => {
    if (signal.aborted) return
    if (!startedAt && all()[1]) move(all(), ALONE)
    else {
      members.forEach((member) => { member._fail(error) })
      // The callbacks may have disconnected. What comes after a word of the service ends nothing.
      if (!heard) end({ reason: String(error) })
    }
  }

  const again: () => void = move
  const tell = (frame: object) => { if (frames) send(frame); else later(again, COLLECT) }

  const mark = (member: Member) => { member._asked = names.includes(member.channel) ? COVERED : ASKED }

  /** Asks the server for what is new, over HTTP by another request. */
  const sync = () => {
    members.forEach((member) => {
      if (frames as number >= 0 && !member._asked && !left.has(member.channel)) {
        mark(member)
        tell({ subscribe: member.channel, since: member.since })
      }
    })
  }

  const bearer = async () => {
    const channels = all().map(({ channel }) => channel)
    const value = await (renewable ? token(channels) : token)
    names = channels
    return value
  }

  /** Replaces the token on the open connection, one call at a time. Without one, channels that wait for it ask for their own. */
  const refresh = () => {
    widens = false
    turn = turn.then(async () => {
      try {
        send({ token: await bearer() })
        members.forEach((member) => { if (member._asked === DENIED && names.includes(member.channel)) member._asked = NEW })
        sync()
      } catch {
        move(all().filter(({ _asked }) => _asked === DENIED), ALONE)
      }
    })
  }

  const take = (frame: Frame) => {
    begin(frame)
    const { id, channel, event, close, expiresIn } = frame
    const begins = event === 'subscribed'
    const known = !event || begins
    const member = members.get(channel)
    if (event === 'close') end(frame)
    else if (known || close || heard) {
      const [, epoch, digits] = (known ? /^(.+):(\d+)$/.exec(id) : []) as unknown as [string, string, number]
      touch()
      if (event && channel) heard ||= 1
      else {
        heard = 2
        members.forEach((member) => { if (member._state === 'open') member._attempt = 0 })
      }
      if (begins) {
        schedule(silence, (frame.heartbeat as number) * 1.5)
        frames ??= frame.frames ?? 0
        capacity = frames || capacity
      }
      if (expiresIn && frames && renewable && !widens) later(refresh, expiresIn * 0.9)
      if (event === 'unsubscribed') left.delete(channel)
      else if (known && !left.has(channel)) member?._take(frame, epoch, digits)
      if (event) sync()
      if (close && member) {
        if (close === FORBIDDEN && renewable && member._asked === ASKED) {
          member._asked = DENIED
          widens = true
          later(frames ? refresh : again, COLLECT)
        } else {
          // It needs a connection with another token.
          if (close === UNAUTHORIZED) batch = ALONE
          end({ code: close, reason: `${frame.code as number}${frame.retry ? ` retry=${frame.retry}` : ''}` }, false, [member])
        }
      }
    }
    frame.messages?.forEach(take)
  }

  /** Begins anew, where WebSockets may get through by now, and where a socket of a former network may look open and be dead. */
  const renew = (reason: string) => {
    transport = first
    if (startedAt === undefined) check(true)
    else end({ reason }, true)
  }

  const receive = (data: unknown) => {
    if (signal.aborted) return
    try {
      if (transport > first && Date.now() - (startedAt as number) > patience) {
        // What is not taken now comes again.
        patience *= 2
        renew('probe')
      } else take(JSON.parse(data as string || '{"event":1}') as Frame)
    } catch (error) {
      fail(error)
    }
  }

  const connect = async () => {
    // Where others have come through by now.
    if (batch) members.forEach((member) => { if (share(member, OPEN)) remove(member) })
    members.forEach((member) => { if (member._state !== 'open') member._enter('connecting') })
    if (signal.aborted) return
    batch &&= OPEN
    startedAt = 0
    schedule(silence, TOKEN_TIMEOUT, BASE)
    try {
      const value = await bearer()
      // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- it may have been dropped meanwhile
      if (signal.aborted) return
      schedule(silence, OPEN_TIMEOUT, BASE)
      startedAt = Date.now()
      const list = all()
      const url = () => address(server, list)
      while (list[1] && url().length > MAX_URL) {
        const rest = list.splice(-1)
        // What a WebSocket can be asked for later.
        if (transport) {
          batch = ALONE
          move(rest)
        }
      }
      list.forEach(mark)
      send = await (transport ? http : webSocket)(url, value, signal, receive, end, transport - STREAM, credentials) as typeof send
    } catch (error) {
      fail(error)
    }
  }

  onWakeUp(connection, renew, check)
  connections.add(add)
  schedule(connect, batch || 0, floor)
  put(member)
}
