import t from 'tap'
import { networkOf } from '../../src/limits/address.js'

t.test('networkOf', async (t) => {
  t.test('counts an IPv4 address as itself, also within IPv6', async (t) => {
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '::FFFF:10.1.2.3']) t.equal(networkOf(address), '10.1.2.3')
  })

  t.test('counts the addresses of an IPv6 /64 network as one, however they are written', async (t) => {
    for (const address of ['2001:db8:1:2::', '2001:db8:1:2::1', '2001:DB8:1:2:ffff:ffff:ffff:ffff', '2001:0db8:0001:0002:3:4:5:6', '2001:db8:1:2:3::']) t.equal(networkOf(address), '2001:db8:1:2::/64', address)
    for (const address of ['2001:db8::1', '2001:db8:0:0:1::', '2001:db8::1:2:3:4', '2001:db8:0000::']) t.equal(networkOf(address), '2001:db8:0:0::/64', address)
    for (const address of ['::1', '::', '0:0:0:0:0:0:0:1']) t.equal(networkOf(address), '0:0:0:0::/64', address)
    t.not(networkOf('2001:db8:1:3::1'), networkOf('2001:db8:1:2::1'))
  })

  t.test('counts as one whatever a proxy passes on that is no address, and an address with a port as itself', async (t) => {
    for (const text of ['', 'x'.repeat(10_000), '1.2.3', '1.2.3.4.5', '1.2.3.4:x', '999.1.1.1:80', 'g::1', '1:2:3']) t.equal(networkOf(text), 'unknown', text)
    t.equal(networkOf('1.2.3.4:5678'), '1.2.3.4')
    for (const text of ['[2001:db8:1:2::1]', '[2001:db8:1:2::1]:5678', '2001:db8:1:2::1%eth0']) t.equal(networkOf(text), '2001:db8:1:2::/64', text)
    t.equal(networkOf('[::ffff:1.2.3.4]:5678'), '1.2.3.4')
  })

  t.test('gives the same answer for any number of addresses, whether or not they were seen before', async (t) => {
    for (let round = 0; round < 2; round++) {
      for (let number = 0; number < 1_500; number++) {
        const address = `10.0.${number >> 8}.${number & 255}`
        if (networkOf(address) !== address) t.fail(address)
      }
    }
    t.equal(networkOf('2001:db8:1:2::1'), '2001:db8:1:2::/64')
  })

  t.test('takes a request that comes from nowhere', async (t) => {
    t.equal(networkOf(undefined), '')
  })
})
