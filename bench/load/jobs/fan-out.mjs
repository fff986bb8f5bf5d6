import { performance } from 'node:perf_hooks'
import { Histogram } from '../../measure/histogram.mjs'
import { numberIn } from '../message.mjs'
import { subscribeAll } from '../subscribe.mjs'
import { ClosedLoops } from './closed-loops.mjs'
import { failurePromise } from './failure.mjs'
import { measureWindow } from './window.mjs'

const CHANNEL = 'bench'

/**
 * Server CPU per delivery, deliveries per second and latency with `inFlight` messages on their way to all subscribers, which are
 * `subscribers` of each target. `parts` names the processes whose CPU time is told apart. With `awake` this process never
 * sleeps: to wake it would be the server's work, and how often that is needed depends on the load and not on the server.
 */
export async function fanOut (options) {
  const { target, targets = [target], pids, parts, subscribers: perTarget, inFlight, warmUpMs, measureMs, awake = false } = options
  const { failure, failed } = failurePromise()
  const latency = new Histogram()
  const publishing = new Histogram()
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
  const answered = (index) => { if (measuring) publishing.add(performance.now() - loops.sentAt[index]) }
  const loops = new ClosedLoops(targets, CHANNEL, { inFlight, receivers: targets.length * perTarget, failed, answered })
  const groups = []
  for (const each of targets) groups.push(await Promise.race([failure, subscribeAll(each, perTarget, CHANNEL, { message, failed })]))

  if (awake) stayAwake()
  const finished = loops.run()
  const measured = measureWindow({ pids, parts, warmUpMs, measureMs, count: () => deliveries, begin: () => { measuring = true } })
  const window = await Promise.race([failure, measured])
  measuring = false
  loops.stop()
  await Promise.race([failure, finished])
  const sameOrder = (subscribers) => subscribers.every(({ order }) => order === subscribers[0].order)
  if (!groups.every(sameOrder)) throw new Error('subscribers of one server got the messages of a channel in different orders')
  return {
    ...window,
    p50: latency.percentile(0.5),
    p99: latency.percentile(0.99),
    publishP50: publishing.percentile(0.5),
    publishP99: publishing.percentile(0.99),
    sameOrder: sameOrder(groups.flat())
  }
}

// The process ends with the job.
function stayAwake () {
  setImmediate(stayAwake)
}
