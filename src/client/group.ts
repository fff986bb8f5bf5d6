import { alarm } from './alarm.js'
import { join } from './connection.js'
import { ACK, ALONE, ANSWER_TIMEOUT, BASE, CALL, PAGE, POLL, QUIET, TAKE, TELL, WANT } from './constants.js'
import type { Frame } from './frame.js'
import type { Close } from './options.js'
import { page } from './server-url.js'
import type { Member } from './subscription.js'

/** A subscription of this tab. */
export interface Follower extends Member {
  /** Polls for what is missing. */
  _poll?: Member
  /** Calls that hand over the frames that arrived meanwhile. */
  _held: (() => void)[] | undefined
}

/** The leader's subscription to a channel, for all tabs. */
interface Relay extends Member {
  _wanted: unknown
}

const split = (id: string) => id.split(':') as unknown as [string, number]

type Timer = readonly [set: (action?: () => void, ms?: number) => void, ...unknown[]]
type Message = [from: number, kind: number, a?: unknown, b?: unknown, c?: unknown]

/**
 * The subscriptions of this tab that share a connection with those of other tabs. The tab that holds the lock leads: it subscribes
 * to what any tab wants, and passes on each frame together with the position before it. A tab takes what continues its own
 * position, and polls for what it misses, so that nothing depends on there being one leader only. Returns how to add one.
 */
export const group = (name: string, _key: Member['_key']) => {
  const members = new Set<Follower>()
  const me = Math.random()
  /** When a leader calls, and when it is missed. */
  const [watch]: Timer = alarm()
  const [later]: Timer = alarm()
  let channel: BroadcastChannel
  /** The tab that called last. */
  let leader: number
  /** Of the leader only. */
  let relays: Map<string, Relay> | undefined
  /** The request for the lead that is in force, and the lead. */
  let turn: AbortController | undefined
  let beat = QUIET

  const post = (...rest: unknown[]) => {
    const message = [me, ...rest]
    channel.postMessage(JSON.stringify(message))
    receive(message as Message)
  }

  const want = (reply?: unknown) => {
    post(WANT, [...members].map((member) => {
      if (!member._state) member._enter('connecting')
      return [member.channel, member.since]
    }), reply)
  }

  const drop = (relay: Member) => {
    relay._drop([relay])
    relays?.delete(relay.channel)
  }

  const tick = () => {
    if (relays) {
      // Announces where the channels stand and asks which are wanted; the others are unsubscribed.
      relays.forEach((relay) => {
        relay._wanted = 0
        if (relay._state === 'open') post(TAKE, relay.channel, { id: relay.since, event: true, heartbeat: beat })
      })
      post(CALL, page?.hidden)
      watch(tick, beat)
      later(() => { relays?.forEach((relay) => { if (!relay._wanted) drop(relay) }) }, ANSWER_TIMEOUT)
    } else contend(true)
  }

  const listen = () => { watch(tick, beat * 1.5 + Math.random() * BASE) }

  const receive = ([from, kind, a, b, c]: Message) => {
    if (kind === ACK) relays?.get(a as string)?._acknowledge(b as string, a as string)
    else if (kind) {
      if (!relays) listen()
      if (kind === CALL) {
        if (!relays) {
          leader = from
          if (a && !page?.hidden) contend(true)
        }
        want(1)
      } else {
        members.forEach((member) => {
          if (member.channel === a) {
            if (kind === TAKE) take(member, b as Frame, c)
            else if (from === leader) {
              if (c as number >= 0) member._end(b as Close, c as number)
              else if (b) member._fail(b)
              else if (member._state !== 'open') member._enter('connecting')
            }
          }
        })
      }
    } else if (relays) {
      const all = relays;
      (a as [string, string][]).forEach(([channel, since]) => {
        const relay = all.get(channel) ?? {
          channel,
          since,
          _key,
          _attempt: 0,
          _enter () { post(TELL, channel) },
          _fail (error) { post(TELL, channel, String(error)) },
          _end (close, wait) {
            relay._state = undefined
            post(TELL, channel, close, wait)
            if (close.final) drop(relay)
          },
          _take (frame, begins, epoch, offset) {
            const { since } = relay
            relay.since = `${epoch}:${offset}`
            relay._state = 'open'
            post(TAKE, channel, { ...frame, id: relay.since, event: !!begins, messages: undefined }, since)
          },
          // Not one to be shared.
          _drop: drop as unknown as Member['_drop']
        } as Partial<Relay> as Relay
        relay._wanted = 1
        if (!all.has(channel)) {
          all.set(channel, relay)
          join(relay)
        }
      })
      if (!b) tick()
    }
  }

  const take = (member: Follower, frame: Frame, after: unknown, last?: boolean) => {
    const { _held, _key, since } = member
    const [epoch, offset] = split(frame.id)
    const [own, had] = split(since)
    const again = () => { take(member, frame, after, true) }
    beat = frame.heartbeat || beat
    if (_held) _held.push(again)
    else if (after === since) member._take(frame, frame.event, epoch, offset)
    // The tab has it. The leader's position may be behind.
    else if (own === epoch && had - offset >= 0) member._take({} as Frame, 1, own, had)
    else if (!last) {
      member._held = [again]
      const poll: Member = member._poll = {
        // It is the same subscription, with another transport.
        __proto__: member,
        _key: _key.map((part, index) => index === 2 ? POLL : part) as unknown as Member['_key'],
        _end (close, wait) {
          // The next answer has it all.
          member._held = []
          member._end(close, wait)
        },
        _take (frame, ...position) {
          member._take(frame, ...position)
          if (frame.messages && !frame.messages[PAGE - 1]) {
            queueMicrotask(() => {
              const held = member._held
              member._held = undefined
              poll._drop([poll])
              held?.forEach((again) => { again() })
            })
          }
        }
      } as Partial<Member> as Member
      join(poll, ALONE)
    }
  }

  const pause = (next?: AbortController) => {
    turn?.abort()
    turn = next
    relays?.forEach(drop)
    relays = undefined
    listen()
  }

  const contend = (steal?: boolean) => {
    const own = new AbortController()
    const { signal } = own
    const lead = () => turn === own && new Promise((resolve) => {
      signal.onabort = resolve
      relays = new Map()
      leader = me
      tick()
    })
    pause(own)
    void navigator.locks.request(name, steal ? { steal } : { signal }, lead)
      // Where there are no locks, as in frames of no origin, each tab leads.
      .catch((error: unknown) => (error as Error).name === 'AbortError' || lead())
      .then(() => { if (turn === own) contend() })
  };

  ['freeze', 'pagehide', 'resume', 'pageshow', 'visibilitychange'].forEach((type, index) => {
    (globalThis as Partial<typeof globalThis>).addEventListener?.(type, () => {
      if (members.size) {
        if (index < 2) pause()
        else {
          if (index < 4 && !turn) contend()
          want()
        }
      }
    }, true)
  })

  return (member: Follower) => {
    if (!members.size) {
      channel = new BroadcastChannel(name)
      channel.onmessage = ({ data }) => { receive(JSON.parse(data as string) as Message) }
      contend()
    }
    members.add(member)
    later(want, 0)
    member._acknowledge = (id, channel) => { post(ACK, channel, id) }
    member._drop = () => {
      member._poll?._drop([member._poll])
      members.delete(member)
      want()
      if (!members.size) {
        pause()
        channel.close()
        watch()
        later()
      }
    }
  }
}
