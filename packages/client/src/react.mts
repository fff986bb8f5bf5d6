import { useEffect, useRef, useState } from 'react'
import { connectToChannel, type Meta, type Options, type State } from '../../../src/client/index.js'

export type { Close, Gap, Meta, Options, State, TransportName } from '../../../src/client/index.js'

/** What `useChannel` knows about its subscription. */
export interface Subscription {
  /** The state of the subscription; `idle` without a channel. While a server renders the page, and at first in a browser, `connecting`. */
  state: State | 'idle'
}

type TokenFunction = Exclude<Options['token'], string | undefined>
type OnMessage<T> = (message: T, meta: Meta) => void

/** A token function that stays the same while the functions that components pass are replaced by others. */
interface StableToken {
  readonly call: TokenFunction
  latest: TokenFunction
}

/**
 * Stable token functions, by all that components have passed for them: subscriptions share a connection when they have the same token
 * function, which components write anew whenever they render.
 */
const stableTokens = new WeakMap<TokenFunction, StableToken>()

const stableToken = (latest: TokenFunction): StableToken => {
  const token: StableToken = stableTokens.get(latest) ?? { latest, call: (channels) => token.latest(channels) }
  stableTokens.set(latest, token)
  return token
}

/**
 * Subscribes a component to a channel from when it is mounted until it is unmounted: `onMessage` is called with each message, in
 * order and once. `null` or `undefined` in place of the channel: not yet, or not any more.
 *
 * Callbacks, also `token`, may be other functions at each render: the latest is called. The component subscribes anew when the channel
 * changes, and, going on after the last message, when `server`, `transport`, `credentials`, `share` or a token that is a string does.
 * `since` counts where a subscription to a channel begins, and so does whether there is an `onGap`, `onClose` or `onError`: without
 * them the client writes to the console.
 *
 * Nothing is connected while a server renders the page. An invalid name of a channel or server is thrown, as a `TypeError`, to the
 * error boundary.
 */
// The type parameter is an assertion about what the publisher sends, as that of `connectToChannel`.
export function useChannel<T = unknown> (channel: string | null | undefined, onMessage: OnMessage<T>, options: Options = {}): Subscription {
  const { server, token, transport, credentials, share } = options
  const place = JSON.stringify([channel, server])
  const key = JSON.stringify([place, typeof token === 'function' || token, transport, credentials, share])

  const latest = useRef({ onMessage, options })
  /** The function with which it has subscribed. */
  const stable = useRef<StableToken>(undefined)
  /** Where a subscription to the same channel goes on. */
  const position = useRef({ place, id: '' })
  const [told, tell] = useState<{ key: string, state: State }>()

  // Before the subscription of the same render.
  useEffect(() => {
    latest.current = { onMessage, options }
    if (typeof token === 'function' && stable.current) {
      stable.current.latest = token
      stableTokens.set(token, stable.current)
    }
  })

  useEffect(() => {
    if (position.current.place !== place) position.current = { place, id: '' }
    if (channel === null || channel === undefined) return
    const { options: first } = latest.current
    stable.current = typeof token === 'function' ? stableToken(token) : undefined
    const disconnect = connectToChannel<T>(channel, (message, meta) => {
      position.current.id = meta.id
      latest.current.onMessage(message, meta)
    }, {
      ...first,
      token: stable.current?.call ?? first.token,
      since: position.current.id || first.since,
      onOpen: () => latest.current.options.onOpen?.(),
      onClose: first.onClose && ((close) => latest.current.options.onClose?.(close)),
      onError: first.onError && ((error) => latest.current.options.onError?.(error)),
      onGap: first.onGap && ((gap) => latest.current.options.onGap?.(gap)),
      onState: (state) => {
        tell({ key, state })
        latest.current.options.onState?.(state)
      }
    })
    return () => {
      disconnect()
      tell(undefined)
    }
    // All that asks for another subscription is in the key.
  }, [key])

  return { state: channel === null || channel === undefined ? 'idle' : told?.key === key ? told.state : 'connecting' }
}
