import { localAddress, subscribe } from '../subscribe.mjs'

const AT_ONCE = 100

const endings = {
  handshake: (subscriber) => subscriber.close(),
  end: (subscriber) => subscriber.leave(),
  reset: (subscriber) => subscriber.cut()
}

/** Opens and ends `connections` subscribers, each on its own channel, in every way there is. */
export async function churn ({ target, connections, from }) {
  const ways = [...Object.keys(endings), 'early']
  let begun = 0
  let ended = 0
  await new Promise((resolve, reject) => {
    const gone = () => {
      if (++ended === connections) resolve()
      else next()
    }
    const next = () => {
      if (begun === connections) return
      const number = from + begun++
      const way = ways[number % ways.length]
      const sink = {
        ready (subscriber) {
          if (way === 'early') return
          endings[way](subscriber)
          if (way !== 'handshake') gone()
        },
        message () {},
        closed (subscriber, why) {
          if (why.startsWith('closed with 1000') || (way === 'handshake' && subscriber.isReady)) gone()
          else reject(new Error(`connection ${number}: ${why}`))
        }
      }
      const subscriber = subscribe(target, sink, { channel: `churn-${number}`, localAddress: localAddress(number) })
      if (way === 'early') subscriber.socket.once('connect', () => setImmediate(() => { subscriber.cut(); gone() }))
    }
    for (let opening = 0; opening < AT_ONCE; opening++) next()
  })
  return { ended }
}
