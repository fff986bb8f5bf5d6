import t from 'tap'
import { credentialOf, selectProtocol } from '../../src/access/credential.js'

t.test('credentialOf', async (t) => {
  t.test('takes the header Authorization, which only programs can set', async (t) => {
    for (const authorization of ['Bearer a.b-c_d', 'bearer a.b-c_d', 'BEARER   a.b-c_d']) t.strictSame(credentialOf({ authorization }, {}), { token: 'a.b-c_d', inHeader: true })
    for (const authorization of ['', 'Bearer', 'Bearer ', 'Basic a.b', 'Bearer a b', 'Bearer ä', 'a.b']) t.equal(credentialOf({ authorization }, {}), undefined, authorization)
  })

  t.test('takes a WebSocket subprotocol token.<token>, wherever it stands in the list', async (t) => {
    for (const protocols of ['token.a.b.c', 'messenger, token.a.b.c', 'messenger,token.a.b.c , other', 'token.a.b.c, token.d']) {
      t.strictSame(credentialOf({ 'sec-websocket-protocol': protocols }, {}), { token: 'a.b.c', inHeader: false }, protocols)
    }
    for (const protocols of ['messenger', 'token', 'token.', 'mytoken.a', 'x-token.a']) t.equal(credentialOf({ 'sec-websocket-protocol': protocols }, {}), undefined, protocols)
  })

  t.test('decodes a subprotocol that is percent-encoded, and takes it as it is where that is not possible', async (t) => {
    t.match(credentialOf({ 'sec-websocket-protocol': 'token.a%2Fb%3D' }, {}), { token: 'a/b=' })
    t.match(credentialOf({ 'sec-websocket-protocol': 'token.a%E0' }, {}), { token: 'a%E0' })
  })

  t.test('takes ?token=, once', async (t) => {
    t.strictSame(credentialOf({}, { token: 'a.b' }), { token: 'a.b', inHeader: false })
    for (const token of [undefined, ['a', 'b'], { a: 1 }, 7]) t.equal(credentialOf({}, { token }), undefined)
  })

  t.test('prefers the header to the subprotocol, and that to the query', async (t) => {
    const headers = { authorization: 'Bearer header', 'sec-websocket-protocol': 'token.protocol' }
    t.match(credentialOf(headers, { token: 'query' }), { token: 'header', inHeader: true })
    t.match(credentialOf({ ...headers, authorization: 'Basic x' }, { token: 'query' }), { token: 'protocol', inHeader: false })
  })
})

t.test('selectProtocol', async (t) => {
  t.test('takes the first protocol that is no token, so that none is sent back', async (t) => {
    t.equal(selectProtocol(new Set(['token.a', 'messenger', 'other'])), 'messenger')
    t.equal(selectProtocol(new Set(['token.a'])), false)
    t.equal(selectProtocol([]), false)
  })
})
