import t from 'tap'
import { Hosts, hostsOf } from '../../src/access/hosts.js'

t.test('hostsOf', async (t) => {
  t.test('names the host of each origin that has one, without its port', async (t) => {
    t.strictSame(hostsOf(['https://a.example', 'http://*.a.example:3000', 'http://127.0.0.1:*', 'http://[::1]:3000']), ['a.example', '*.a.example', '127.0.0.1', '[::1]'])
  })

  t.test('leaves out what names no host, and what stands for more than whole labels', async (t) => {
    t.strictSame(hostsOf(['null', '*', 'https://a*.example', 'https://*']), ['*'])
  })
})

t.test('Hosts', async (t) => {
  t.test('allows the names that it was given, with any port, and no other', async (t) => {
    const hosts = new Hosts(['a.example', '*.b.example'])
    for (const [host, allowed] of [['A.example:80', true], ['a.example.', true], ['x.b.example', true], ['b.example', false], ['xa.example', false], ['', false]] as const) t.equal(hosts.allow(host), allowed, host)
  })

  t.test('allows every name where one of them is *', async (t) => {
    t.ok(new Hosts(['a.example', '*']).allow('anything'))
  })

  t.test('takes 127.0.0.1 for all addresses of the loopback network', async (t) => {
    const hosts = new Hosts(['127.0.0.1'])
    for (const [host, allowed] of [['127.1.2.3:80', true], ['127.1.2.3.example', false], ['128.0.0.1', false]] as const) t.equal(hosts.allow(host), allowed, host)
  })
})
