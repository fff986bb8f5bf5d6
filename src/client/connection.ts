import { address } from './address.js'
import { alarm } from './alarm.js'
import { delay } from './backoff.js'
import { ABNORMAL, ALONE, BASE, COLLECT, COVERED, DENIED, FORBIDDEN, MAX_URL, NEW, OPEN, OPEN_TIMEOUT, POLICY, POLL, POLL_HEARTBEAT, PROBE, SILENCE, STREAM, TOKEN_TIMEOUT, UNAUTHORIZED } from './constants.js'
import type { Frame } from './frame.js'
import { http } from './http.js'
import { type Add, connections, share } from './sharing.js'
import type { Member } from './subscription.js'
import type { End } from './transport.js'
import { onWakeUp } from './wake-up.js'
import { webSocket } from './websocket.js'

/** How many channels a connection may have. */
let capacity = 100

/** The transport to begin with. */
const firstOf = ({ _key: [,, option] }: Member) => ~~((option === 'http' || option) as number)

/**
 * Adds the subscription to a connection of its batch that has room and no subscription to the same channel, or to a new one,
 * which is made after `batch` milliseconds, or after `floor` where the page wakes up. Where it ends, another takes its place.
 */
export const join = (member: Member, batch = OPEN, floor = 0, patience = PROBE, transport = firstOf(member)): void => {
  if (share(member, batch)) return
  const { _key } = member
  const [server, token, option, credentials] = _key
  const first = firstOf(member)
  const renewable = typeof token === 'function'
  let members: Member[] = []
  /** The requested subscriptions by channel; `undefined` while an unsubscription awaits its answer. */
  const asked = new Map<string, Member | undefined>()
  /** When to connect, and when to give a connection up. */
  const [schedule, check, touch] = alarm()
  /** When to ask for a token, or over HTTP for other channels. */
  const [later]: readonly [(action?: () => void, ms?: number) => void, ...unknown[]] = alarm()
  const connection = new AbortController()
  /** 0: silent; 1: accepted; more: has received messages or events. */
  let heard = 0
  /** How many channels the connection may have where it takes frames, otherwise 0; undefined before the first word of the server. */
  let frames: number | undefined
  /** Whether a token is about to be asked for that covers more channels. */
  let widens: boolean
  let turn = Promise.resolve()
  /** When the server was asked; 0 while the token is asked for; undefined before. */
  let startedAt: number | undefined
  let send: (frame: object) => void

  const put = (member: Member) => {
    // Replaced, never modified: `bearer` keeps the list while the token function runs.
    members = [...members, member]
    member._asked = NEW
    member._drop = drop
    member._acknowledge = (ack, channel) => { if (frames) send({ ack, channel }) }
    sync()
  }

  const add: Add = (member, other) => {
    const fits = batch === other && transport < POLL && members.length < capacity &&
      !members.some(({ channel }) => channel === member.channel) && member._key.every((part, index) => part === _key[index])
    if (fits) put(member)
    return fits
  }

  const drop = (list: Member[]) => {
    members = members.filter((member) => !list.includes(member))
    if (members[0]) sync()
    else {
      connections.delete(add)
      connection.abort()
      schedule()
      later()
    }
  }

  const move = (list = members, batch?: number, floor?: number) => {
    list.forEach(({ channel }) => { asked.delete(channel) })
    drop(list)
    list.forEach((member) => { join(member, batch, floor, patience, transport) })
  }

  const end: End = ({ code = startedAt ? ABNORMAL : UNAUTHORIZED, reason = '', retry, floor = 0 }, atOnce, list = members) => {
    // A connection that goes silent after its first frame is buffered by something between, or is dead.
    const ours = /^MSG_ERR|^retry=/.test(reason) || heard > Number(reason === SILENCE)
    const final = ours && (code === POLICY || code === FORBIDDEN)
    let wait = 0
    // A server of an older version takes several channels for one name; its refusal does not say which one is invalid.
    if (final && list[1]) move(list, ALONE)
    else {
      if (!ours && !atOnce && startedAt && transport < POLL && option !== 'websocket' && (!transport || reason === SILENCE)) transport++
      else {
        if (!heard) transport = first
        list.forEach((member) => {
          const open = member._state === 'open'
          if (open && heard > 1) member._attempt = 0
          // A token that was good for a while has only run out: the next one is asked for at once.
          if (open && code === UNAUTHORIZED && Date.now() - (startedAt as number) > BASE) member._attempt = 0
          else if (!atOnce) wait = delay(member._attempt++, heard, reason, retry)
        })
      }
      move(list, wait + floor, floor)
      list.forEach((member) => { member._end({ code, reason, final }, wait) })
    }
  }

  const silence = (awake?: boolean) => { end({ reason: SILENCE }, awake) }

  const fail = (error: unknown) => {
    if (!startedAt && members[1]) move(members, ALONE)
    else {
      members.forEach((member) => { member._fail(error) })
      // An error after the first frame of the service ends nothing.
      if (!heard) end({ reason: String(error) })
    }
  }

  const tell = (frame: object) => { if (frames) send(frame); else later(move, COLLECT) }

  /** Requests new subscriptions and ends those no longer wanted; over HTTP by a new request. */
  const sync = () => {
    if (frames as number >= 0) {
      asked.forEach((member, channel) => {
        if (member && !members.includes(member)) {
          asked.set(channel, undefined)
          tell({ unsubscribe: channel })
        }
      })
      members.forEach((member) => {
        const { channel, since } = member
        if (!asked.has(channel) && member._asked !== DENIED) {
          asked.set(channel, member)
          tell({ subscribe: channel, since })
        }
      })
    }
  }

  /** The token for all, with which these are asked for next. */
  const bearer = async (list: Member[]) => {
    const value = await (renewable ? token(members.map(({ channel }) => channel)) : token)
    list.forEach((member) => { member._asked = COVERED })
    return value
  }

  /** Replaces the token on the open connection, one call at a time. Without one, channels that wait for it ask for their own. */
  const refresh = () => {
    widens = false
    turn = turn.then(async () => {
      const denied = () => members.filter(({ _asked }) => _asked === DENIED)
      try {
        send({ token: await bearer(denied()) })
        sync()
      } catch {
        move(denied(), ALONE)
      }
    })
  }

  const take = (frame: Frame) => {
    const { id, channel, event, messages, close, code, retry, expiresIn } = frame
    // The answer to a poll begins at the position before its messages.
    const begins = messages || event === 'subscribed'
    const known = begins || !event
    const member = asked.get(channel)
    if (event === 'close') end(frame)
    else if (known || close || heard) {
      const [, epoch, digits] = (known ? /^(.+):(\d+)$/.exec(id) : []) as unknown as [string, string, number]
      touch()
      heard = begins || close ? heard || 1 : 2
      if (begins) {
        schedule(silence, (messages ? POLL_HEARTBEAT : frame.heartbeat as number) * 1.5)
        frames ??= ~~(frame.frames as number)
        capacity = frames || capacity
      }
      if (expiresIn && renewable && !widens) later(refresh, expiresIn * 0.9)
      if (event === 'unsubscribed') asked.delete(channel)
      if (known) member?._take(frame, begins, epoch, digits - (messages?.length ?? 0))
      if (close && member) {
        if (close === FORBIDDEN && renewable && member._asked === NEW) {
          asked.delete(channel)
          member._asked = DENIED
          widens = true
          later(frames ? refresh : move, COLLECT)
        } else {
          // It needs a connection with another token.
          if (close === UNAUTHORIZED) batch = ALONE
          end({ code: close, reason: code as unknown as string, retry }, false, [member])
        }
      }
      if (event) sync()
    }
    messages?.forEach(take)
  }

  /** Begins anew, where WebSockets may get through by now, and where a socket of a former network may look open and be dead. */
  const renew = (reason: string) => {
    transport = first
    if (startedAt === undefined) check(true)
    else end({ reason }, true)
  }

  const receive = (data: unknown) => {
    if (!members[0]) return
    try {
      if (transport > first && Date.now() - (startedAt as number) > patience) {
        // The frame that is not taken now is delivered again.
        patience *= 2
        renew('probe')
      } else take(JSON.parse(data as string || '{"event":1}') as Frame)
    } catch (error) {
      fail(error)
    }
  }

  const connect = async () => {
    // Where others have come through by now.
    if (batch) drop(members.filter((member) => share(member, OPEN)))
    members.forEach((member) => { if (member._state !== 'open') member._enter('connecting') })
    if (!members[0]) return
    batch &&= OPEN
    startedAt = 0
    schedule(silence, TOKEN_TIMEOUT, BASE)
    try {
      const value = await bearer(members)
      // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- it may have been dropped meanwhile
      if (!members[0]) return
      schedule(silence, OPEN_TIMEOUT, BASE)
      startedAt = Date.now()
      const list = [...members]
      const url = () => address(server, list)
      while (list[1] && url().length > MAX_URL) {
        const rest = list.splice(-1)
        // The rest can be requested by frames later.
        if (transport) {
          batch = ALONE
          move(rest)
        }
      }
      list.forEach((member) => { asked.set(member.channel, member) })
      send = await (transport ? http : webSocket)(url, value, connection.signal, receive, end, transport - STREAM, credentials) as typeof send
    } catch (error) {
      fail(error)
    }
  }

  onWakeUp(connection, renew, check)
  connections.add(add)
  schedule(connect, batch || 0, floor)
  put(member)
}
