import t from 'tap'
import messenger from '../../src/index.js'
import { ask, createHost, publish, TOKEN } from '../helper.js'

t.test('a body', async (t) => {
  t.test('that a hook of the host has decoded arrives as it was written', async (t) => {
    const app = createHost(t)
    app.addHook('preParsing', (_request, _reply, payload, done) => { done(null, payload.setEncoding('utf8')) })
    await app.register(messenger, { token: TOKEN })
    await app.listen({ port: 0, host: '127.0.0.1' })
    t.equal((await publish(app, 'room', 'grün 🎉')).status, 200)
    t.match((await ask(app, '/room')).body, { messages: [{ message: 'grün 🎉' }] })
  })
})
