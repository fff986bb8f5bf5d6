import { Histogram } from '../../measure/histogram.mjs'
import { numberIn } from '../message.mjs'
import { subscribeAll } from '../subscribe.mjs'
import { ClosedLoops } from './closed-loops.mjs'
import { failurePromise } from './failure.mjs'
import { measureWindow } from './window.mjs'

const CHANNEL = 'bench'

/** Server CPU per delivery, deliveries per second and latency with `inFlight` messages on their way to all subscribers. */
export async function fanOut ({ target, pids, subscribers: count, inFlight, warmUpMs, measureMs }) {
  const { failure, failed } = failurePromise()
  const latency = new Histogram()
  let deliveries = 0
  let measuring = false

  const message = (subscriber, buffer, start, end, at) => {
    const index = numberIn(buffer, start, end)
    if (index < 0) return
    deliveries++
    // Two subscribers have the same sum only if they got the same messages in the same order.
    subscriber.order = (Math.imul(subscriber.order, 31) + index) | 0
    if (measuring) latency.add(at - loops.sentAt[index])
    loops.received(index)
  }
  const loops = new ClosedLoops(target, CHANNEL, { inFlight, receivers: count, failed })
  const subscribers = await Promise.race([failure, subscribeAll(target, count, CHANNEL, { message, failed })])

  const finished = loops.run()
  const window = await Promise.race([failure, measureWindow({ pids, warmUpMs, measureMs, count: () => deliveries, begin: () => { measuring = true } })])
  measuring = false
  loops.stop()
  await Promise.race([failure, finished])
  const sameOrder = subscribers.every(({ order }) => order === subscribers[0].order)
  if (!sameOrder) throw new Error('subscribers of one channel got its messages in different orders')
  return { ...window, p50: latency.percentile(0.5), p99: latency.percentile(0.99) }
}
