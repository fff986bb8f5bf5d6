import t from 'tap'
import { ClientFrames } from '../../src/transports/client-frames.js'

t.test('ClientFrames', async (t) => {
  t.test('passes frames on in their order, and those behind a token once it is judged', async (t) => {
    const taken: string[] = []
    const judged: (() => void)[] = []
    const frames = new ClientFrames({
      subscribe: (channel, since) => { taken.push(`subscribe ${channel} ${since}`) },
      unsubscribe: (channel) => { taken.push(`unsubscribe ${channel}`) },
      token: async (token) => {
        taken.push(`token ${token}`)
        await new Promise<void>((resolve) => { judged.push(resolve) })
      },
      acknowledge: (channel, id) => { taken.push(`ack ${id} of ${channel}`) }
    })
    frames.take('{"subscribe":"a","since":"e:1"}')
    frames.take('garbage')
    frames.take('{"ack":"e:1","channel":"a"}')
    frames.take('{"token":"1"}')
    frames.take('{"subscribe":"b"}')
    frames.take('{"token":"2"}')
    frames.take('{"unsubscribe":"a"}')
    frames.take('{"ack":"e:2","channel":"a"}')
    t.strictSame(taken.splice(0), ['subscribe a e:1', 'ack e:1 of a', 'token 1'])
    judged.shift()?.()
    await new Promise(setImmediate)
    t.strictSame(taken.splice(0), ['subscribe b undefined', 'token 2'])
    frames.take('{"subscribe":"c"}')
    judged.shift()?.()
    await new Promise(setImmediate)
    t.strictSame(taken, ['unsubscribe a', 'ack e:2 of a', 'subscribe c undefined'])
  })
})
