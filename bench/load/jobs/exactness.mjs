import { setTimeout as sleep } from 'node:timers/promises'
import { messageText, numberIn } from '../message.mjs'
import { subscribeAll } from '../subscribe.mjs'
import { ClosedLoops } from './closed-loops.mjs'
import { failurePromise } from './failure.mjs'

const CHANNEL = 'exact'
// A frame too many would come right after the last one.
const SURPLUS_MS = 500

/**
 * `messages` to `subscribers` of each target: counts every frame, compares its message byte for byte, and its place in the channel's order.
 * Where the server gives ids, each subscriber's must be contiguous and equal to everybody else's.
 */
export async function exactness ({ target, targets = [target], subscribers: perTarget, messages, inFlight }) {
  const count = targets.length * perTarget
  const { failure, failed } = failurePromise()
  const wrong = { content: 0, order: 0, ids: 0 }
  let frames = 0
  let withIds = 0
  // The order in which the first subscriber to get there saw the messages; all others are compared with it.
  const order = []
  const ids = []
  const texts = Array.from({ length: messages }, (_, index) => messageText(index))

  const message = (subscriber, buffer, start, end) => {
    const index = numberIn(buffer, start, end)
    if (index < 0) return
    frames++
    const place = subscriber.count++
    const text = buffer.toString('utf8', start, end)
    if (!text.includes(texts[index])) wrong.content++
    order[place] ??= index
    if (order[place] !== index) wrong.order++
    const id = targets[0].protocol === 'messenger' ? JSON.parse(text).id : undefined
    if (id !== undefined) {
      withIds++
      ids[place] ??= id
      if (ids[place] !== id || !follows(ids[place - 1], id)) wrong.ids++
    }
    loops.received(index)
  }
  const loops = new ClosedLoops(targets, CHANNEL, { inFlight, receivers: count, failed })
  const subscribers = []
  for (const each of targets) {
    subscribers.push(...await Promise.race([failure, subscribeAll(each, perTarget, CHANNEL, { message, failed })]))
  }
  await Promise.race([failure, loops.run(messages)])
  await Promise.race([failure, sleep(SURPLUS_MS)])

  const complete = subscribers.filter((subscriber) => subscriber.count === messages).length
  const repeated = order.length - new Set(order).size
  const exact = frames === count * messages && complete === count && repeated === 0 && wrong.content + wrong.order + wrong.ids === 0
  return { expected: count * messages, frames, complete, repeated, withIds, wrong, exact }
}

// "<epoch>:<offset>": same epoch, next offset; the first one is offset 1 of a new channel.
function follows (previous, id) {
  const [epoch, offset] = id.split(':')
  if (previous === undefined) return offset === '1'
  const [previousEpoch, previousOffset] = previous.split(':')
  return epoch === previousEpoch && Number(offset) === Number(previousOffset) + 1
}
