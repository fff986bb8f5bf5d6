import t from 'tap'
import { parseClientFrame } from '../../src/wire/client-frame.js'

t.test('parseClientFrame', async (t) => {
  t.test('reads each frame of the protocol', async (t) => {
    t.strictSame(parseClientFrame('{"subscribe":"d"}'), { subscribe: 'd', since: undefined })
    t.strictSame(parseClientFrame('{"since":"e:1","subscribe":"d"}'), { since: 'e:1', subscribe: 'd' })
    t.strictSame(parseClientFrame('{"unsubscribe":"d"}'), { unsubscribe: 'd' })
    t.strictSame(parseClientFrame('{"token":"t"}'), { token: 't' })
    t.strictSame(parseClientFrame('{"ack":"e:1","channel":"d"}'), { ack: 'e:1', channel: 'd' })
  })

  t.test('ignores everything else', async (t) => {
    const others = [
      '', 'x', '{', 'null', '1', '"subscribe"', '[]', '["subscribe"]', '{}', '{"subscribe":1}', '{"subscribe":null}', '{"subscribe":["d"]}',
      '{"subscribe":"d","unsubscribe":"d"}', '{"subscribe":"d","token":"t"}', '{"subscribe":"d","more":"x"}', '{"subscribe":"d","since":1}',
      '{"unsubscribe":"d","since":"e:1"}', '{"token":"t","channel":"d"}', '{"ack":"e:1"}', '{"ack":1,"channel":"d"}', '{"channel":"d"}',
      '{"__proto__":{"subscribe":"d"}}', '{"constructor":"d"}', '{"toString":"d"}'
    ]
    for (const text of others) t.equal(parseClientFrame(text), undefined, text)
  })
})
