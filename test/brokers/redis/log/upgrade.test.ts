import t from 'tap'
import { parseNotification } from '../../../../src/brokers/redis/log/parse.js'
import { wrap } from '../../../../src/wire/envelope.js'
import { eventually } from '../../../eventually.js'
import { range } from '../../test-node.js'
import { startNode, uniquePrefix } from '../redis-node.js'
import { startRedis } from '../redis-server.js'

t.test('A rolling upgrade from a version whose messages had no time', async (t) => {
  const server = await startRedis(t)
  const redis = server.connect(t)

  t.test('lets the earlier version make of an announcement the envelope of this one', async (t) => {
    const prefix = uniquePrefix()
    const announced: string[] = []
    redis.on('smessage', (_name, text: string) => { announced.push(text) })
    await redis.ssubscribe(`${prefix}{room}:live`)
    for (const size of [100, 0]) {
      announced.length = 0
      const node = await startNode(t, { redis: server.url, keyPrefix: prefix, size })
      const texts = ['1', '"a b"', '{"time":1}', '[{"a":1,"time":2}]', '",\\"time\\":3"']
      for (const text of texts) await node.broker.publish('room', text)
      await eventually(() => announced.length === texts.length, { message: 'the announcements' })
      for (const [index, text] of announced.entries()) {
        // The earlier version took all behind the space for the message.
        const space = text.indexOf(' ')
        const envelope = `{"channel":"room","message":${text.slice(space + 1)},"id":"${text.slice(0, space)}"}`
        const entry = parseNotification(text)
        t.equal(entry?.message, texts[index])
        t.equal(envelope, entry && wrap('room', entry).text)
        t.match(JSON.parse(envelope), { time: Number })
      }
    }
  })

  t.test('delivers the messages of the earlier version, which have no time until they are read from the log', async (t) => {
    const prefix = uniquePrefix()
    const node = await startNode(t, { redis: server.url, keyPrefix: prefix })
    await node.join('room')
    const { epoch } = await node.broker.publish('room', '1')
    for (const offset of range(2, 4)) {
      await redis.hset(`${prefix}{room}:meta`, 'head', offset)
      await redis.xadd(`${prefix}{room}:log`, `${offset}-170000000000${offset}`, 'm', `{"n":${offset}}`)
      await redis.spublish(`${prefix}{room}:live`, `${epoch}:${offset} {"n":${offset}}`)
    }
    await node.handed('room', 4)
    await node.broker.publish('room', '5')
    await node.handed('room', 5)
    t.strictSame(node.messages('room'), ['1', '{"n":2}', '{"n":3}', '{"n":4}', '5'])
    t.strictSame(node.delivered('room').map(({ time }) => typeof time), ['number', 'undefined', 'undefined', 'undefined', 'number'])
    const { entries } = await node.broker.read('room', 'earliest')
    t.strictSame(entries.slice(1, 4).map(({ time }) => time), range(2, 4).map((offset) => 1_700_000_000_000 + offset), 'that at which the server took them')
    t.strictSame([node.gaps, node.offsets('room')], [[], range(1, 5)])
  })
})
