import { numberIn } from '../message.mjs'
import { Publisher } from '../publisher.mjs'
import { severalChannels, subscribeAll } from '../subscribe.mjs'
import { failurePromise } from './failure.mjs'
import { measureWindow } from './window.mjs'

/**
 * Server CPU per delivery where messages come in bursts: one request publishes `messages` of them, one to each of `channels` in turn,
 * to connections that each have all of these channels. The next burst follows when every connection has the whole one.
 */
export async function bursts ({ target, pids, subscribers, channels, messages, warmUpMs, measureMs }) {
  const { failure, failed } = failurePromise()
  const names = Array.from({ length: channels }, (_, index) => `channel-${index + 1}`)
  let deliveries = 0
  let missing = 0
  let stopping = false
  let finished

  const message = (subscriber, buffer, start, end) => {
    const index = numberIn(buffer, start, end)
    // The event that tells the position of a channel.
    if (index < 0) return
    if (channels === 1 && index !== subscriber.count) failed(new Error(`expected message ${subscriber.count}, got ${index}`))
    subscriber.count++
    deliveries++
    if (--missing === 0) next()
  }
  const publisher = new Publisher(target, Array.from({ length: messages }, (_, index) => names[index % channels]), failed)
  let published = 0
  const next = () => {
    if (stopping) { finished(); return }
    // The answer counts as one more: the connection is free only after it.
    missing = subscribers * messages + 1
    const from = published
    published += messages
    publisher.publish(from, () => { if (--missing === 0) next() })
  }

  const open = await Promise.race([failure, subscribeAll(target, subscribers, severalChannels(names), { message, failed })])
  const done = new Promise((resolve) => { finished = resolve })
  next()
  const window = await Promise.race([failure, measureWindow({ pids, warmUpMs, measureMs, count: () => deliveries })])
  stopping = true
  await Promise.race([failure, done])
  publisher.close()
  if (open.some(({ count }) => count !== published)) throw new Error('a connection did not get every message once')
  return window
}
