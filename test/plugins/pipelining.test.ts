import t from 'tap'
import { publishHeaders, startHost } from '../helper.js'
import { connectRaw } from '../sockets.js'
import { eventually } from '../eventually.js'

t.test('a message that is published behind a long poll on the same connection', async (t) => {
  t.test('is taken at once, and answered in its turn', async (t) => {
    const app = await startHost(t)
    const connection = await connectRaw(t, app)
    connection.write('GET /room?since=now&wait=60 HTTP/1.1\r\nHost: test\r\n\r\n')
    await eventually(() => app.channels.subscriberCount('room') === 1)
    const { authorization } = publishHeaders()
    connection.write(`POST /send/room HTTP/1.1\r\nHost: test\r\nAuthorization: ${String(authorization)}\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{"message":"now"}`)
    for (const body of [/"messages":\[\{"channel":"room","message":"now"/, /"status":"Message sent"/]) {
      const head = await connection.readHead()
      t.match(head, /^HTTP\/1.1 200 /)
      t.match((await connection.readBytes(Number(/content-length: (\d+)/i.exec(head)?.[1]))).toString(), body)
    }
  })
})
