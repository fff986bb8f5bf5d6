import t from 'tap'
import { networkOf, withoutPort } from '../../src/limits/address.js'
import { proxyTrust } from '../../src/http/proxies.js'

t.test('proxyTrust', async (t) => {
  t.test('takes addresses, networks and names of networks, also with a port', (t) => {
    const trusts = proxyTrust(['loopback', 'linklocal', 'uniquelocal', '203.0.113.7', '2001:db8::/32', '::ffff:198.51.100.1'])
    for (const address of ['127.0.0.1', '127.9.9.9:80', '::1', '[::1]:80', '::ffff:127.0.0.1', '169.254.1.1', 'fe80::1', '10.1.2.3', '172.16.0.1', '192.168.1.1:4711', 'fd00::1', '203.0.113.7', '2001:db8:1::7']) t.ok(trusts(address), address)
    for (const address of ['203.0.113.8', '172.32.0.1', '2001:db9::1', 'unknown', '_hidden', '999.1.1.1', '::', 'localhost']) t.notOk(trusts(address), address)
    t.end()
  })

  t.test('treats a connection through a unix socket as local', (t) => {
    for (const address of [undefined, '']) {
      t.ok(proxyTrust(['loopback'])(address))
      t.notOk(proxyTrust(['10.0.0.0/8'])(address))
    }
    t.end()
  })
})

t.test('an address with a port', async (t) => {
  t.test('is the same client on every connection', (t) => {
    for (const [given, bare] of [['203.0.113.7:1234', '203.0.113.7'], ['[2001:db8::1]:1234', '2001:db8::1'], ['[2001:db8::1]', '2001:db8::1'], ['2001:db8::1', '2001:db8::1'], ['203.0.113.7', '203.0.113.7'], ['unknown', 'unknown']] as const) {
      t.equal(withoutPort(given), bare)
      t.equal(networkOf(given), networkOf(bare))
    }
    t.end()
  })
})
