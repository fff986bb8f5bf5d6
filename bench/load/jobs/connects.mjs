import { localAddress, subscribe } from '../subscribe.mjs'
import { failurePromise } from './failure.mjs'
import { measureWindow } from './window.mjs'

const CHANNELS = 1_000

/**
 * How many subscribers a second come and go, `atOnce` at a time, and the server's CPU time for one that comes and goes, once
 * `warmUp` of them have: what is compiled by then depends on how often code ran and not on the time.
 */
export async function connects ({ target, pids, atOnce, warmUp, measureMs }) {
  const { failure, failed } = failurePromise()
  let begun = 0
  let ended = 0
  let open = 0
  let stopping = false
  let finished
  let warm
  const warmedUp = new Promise((resolve) => { warm = resolve })
  const next = () => {
    if (stopping) {
      if (open === 0) finished()
      return
    }
    open++
    const number = begun++
    let gone = false
    const leave = () => {
      if (gone) return
      gone = true
      open--
      if (++ended === warmUp) warm()
      next()
    }
    const sink = {
      ready (subscriber) {
        // A stream over HTTP has no handshake to end with.
        if (target.transport === 'sse') { subscriber.leave(); leave() } else subscriber.close()
      },
      message () {},
      closed (subscriber, why) {
        if (subscriber.isReady) leave()
        else failed(new Error(`connection ${number}: ${why}`))
      }
    }
    subscribe(target, sink, { channel: `connect-${number % CHANNELS}`, localAddress: localAddress(number) })
  }
  for (let opening = 0; opening < atOnce; opening++) next()
  await Promise.race([failure, warmedUp])
  const window = await Promise.race([failure, measureWindow({ pids, warmUpMs: 0, measureMs, count: () => ended })])
  const closed = new Promise((resolve) => { finished = resolve })
  stopping = true
  await Promise.race([failure, closed])
  return window
}
