import { EventStreamSubscriber } from './event-stream.mjs'
import { SocketIoSubscriber, WebSocketSubscriber } from './websocket.mjs'

// A loopback address has 28,000 ports to connect from, and each rests for a minute after an orderly end.
const ADDRESSES = 32

/** The address that connection number `number` of very many comes from. */
export const localAddress = (number) => `127.0.1.${1 + number % ADDRESSES}`

// Fewer than any server's backlog of connections, so that opening is not a test of retransmission.
const OPENING_AT_ONCE = 100
// A 101 may be on the wire before the server has entered the subscriber; none of the peers says when it has.
const SETTLE_MS = 500

/** The channel in the URL of a connection with these channels: the router of a host bounds the length of a name in the path. */
export const severalChannels = ([first, ...others]) => others.length === 0 ? first : `${first}?channels=${others.join(',')}`

/** One subscriber of the target's transport. `options`: `channel`, `since`, `localAddress`. */
export function subscribe (target, sink, options) {
  const Transport = target.transport === 'sse' ? EventStreamSubscriber : target.protocol === 'socket.io' ? SocketIoSubscriber : WebSocketSubscriber
  return new Transport(target, sink, options)
}

/**
 * Opens `count` subscriptions and resolves to them when all stand. `channel` is that of all, or gives that of each by its number, as
 * `localAddress` gives where it comes from. `message` is the sink's; a subscription that closes, then or later, is reported to `failed`.
 */
export async function subscribeAll (target, count, channel, { message, failed, localAddress = () => undefined }) {
  const channelOf = typeof channel === 'string' ? () => channel : channel
  const subscribers = []
  await new Promise((resolve, reject) => {
    let ready = 0
    const sink = {
      message,
      ready () {
        if (++ready === count) resolve()
        else next()
      },
      closed (subscriber, why) {
        const error = new Error(`subscriber ${subscribers.indexOf(subscriber) + 1} of ${count}: ${why}`)
        reject(error)
        failed(error)
      }
    }
    const next = () => {
      const number = subscribers.length
      if (number < count) subscribers.push(subscribe(target, sink, { channel: channelOf(number), localAddress: localAddress(number) }))
    }
    for (let opening = 0; opening < OPENING_AT_ONCE; opening++) next()
  })
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  return subscribers
}
