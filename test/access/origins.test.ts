import t from 'tap'
import { ORIGIN_PATTERN, Origins } from '../../src/access/origins.js'

const HOST = 'push.example.com'

function allowed (rules: string[], origins: string[], host = HOST): boolean[] {
  const known = new Origins(rules)
  return origins.map((origin) => known.allow(origin, host))
}

t.test('origins', async (t) => {
  t.test('are allowed by name: scheme, host and port', async (t) => {
    t.strictSame(allowed(['https://example.com'], ['https://example.com', 'http://example.com', 'https://example.com:444', 'https://example.com.evil.org', 'https://wwwexample.com', 'https://examplexcom']), [true, false, false, false, false, false])
    t.strictSame(allowed(['https://example.com:444', 'capacitor://localhost'], ['https://example.com:444', 'https://example.com', 'capacitor://localhost']), [true, false, true])
  })

  t.test('are allowed by * for labels of the host, not beyond it', async (t) => {
    t.strictSame(allowed(['https://*.example.com'], ['https://a.example.com', 'https://a.b.example.com', 'https://example.com', 'https://evil.org/.example.com', 'https://evil.org#.example.com', 'https://evil.org:1.example.com']), [true, true, false, false, false, false])
    t.strictSame(allowed(['http://localhost:*'], ['http://localhost:3000', 'http://localhost', 'http://localhost:3000@evil.org']), [true, false, false])
  })

  t.test('are allowed by * for one character at least, and for none that is in no name', async (t) => {
    t.strictSame(allowed(['https://*.example.com'], ['https://.example.com', 'https:///.example.com', 'https://@.example.com', 'https://']), [false, false, false, false])
  })

  t.test('are compared without the port of their scheme, in rules and in the host that is asked', async (t) => {
    const rules = ['http://a.example:80', 'https://a.example:443', 'ws://b.example:80', 'wss://b.example:443', 'http://c.example:443', 'https://c.example:80']
    t.strictSame(allowed(rules, ['http://a.example', 'https://a.example', 'ws://b.example', 'wss://b.example', 'http://c.example', 'https://c.example', 'http://c.example:443', 'https://c.example:80']), [true, true, true, true, false, false, true, true])
    for (const port of [80, 443]) t.strictSame(allowed([], [`https://${HOST}`, `http://${HOST}`], `${HOST}:${port}`), [true, true])
  })

  t.test('are compared in a time that grows with their length alone', async (t) => {
    const rules = ['https://*.*.*.example.com:*']
    t.strictSame(allowed(rules, ['https://a.b.c.example.com:1', 'https://a.b.example.com:1', 'https://a.b.c.example.com:x/', 'https://a.b.c.example.org:1']), [true, false, false, false])
    const started = process.cpuUsage().user
    for (let round = 0; round < 100; round++) t.notOk(new Origins(rules).lists(`https://${'a.'.repeat(250)}`))
    t.notOk(new Origins(rules).lists(`https://${'a.'.repeat(8_000)}example.com:1`))
    t.ok(process.cpuUsage().user - started < 2_000_000, 'no power of the length')
  })

  t.test('may have an IPv6 address', async (t) => {
    t.strictSame(allowed(['http://[::1]:3000'], ['http://[::1]:3000', 'http://[::2]:3000', 'http://1:3000']), [true, false, false])
  })

  t.test('are not allowed for null, of sandboxed pages and files, unless it is named', async (t) => {
    t.strictSame([allowed([], ['null']), allowed(['null'], ['null']), allowed(['https://*'], ['null'])], [[false], [true], [false]])
  })

  t.test('are compared without regard to case', async (t) => {
    t.strictSame(allowed(['https://Example.com'], ['https://EXAMPLE.com', 'HTTPS://example.com']), [true, true])
    t.strictSame(allowed([], ['https://push.example.com'], 'Push.Example.COM'), [true])
  })

  t.test('are allowed where they are the service\'s own, by host and port, whatever the scheme', async (t) => {
    t.strictSame(allowed([], ['https://push.example.com', 'http://push.example.com', 'https://push.example.com:444', 'https://example.com', 'nonsense', '']), [true, true, false, false, false, false])
    t.strictSame(allowed([], ['http://127.0.0.1:3000', 'http://127.0.0.1:3001'], '127.0.0.1:3000'), [true, false])
    t.strictSame(allowed([], ['http://[::1]:3000'], '[::1]:3000'), [true])
  })

  t.test('are all allowed by *', async (t) => {
    const origins = new Origins(['https://example.com', '*'])
    t.equal(origins.any, true)
    t.equal(origins.allow('https://evil.org', HOST), true)
    t.equal(new Origins(['https://*']).any, false)
  })

  t.test('are listed by name alone, so that no other page may read answers with cookies', async (t) => {
    t.strictSame([new Origins([]).lists(`https://${HOST}`), new Origins(['https://example.com']).lists('https://example.com')], [false, true])
  })
})

t.test('the pattern of rules', async (t) => {
  const pattern = new RegExp(ORIGIN_PATTERN)

  t.test('takes origins, * in them, null and *', async (t) => {
    for (const rule of ['*', 'null', 'https://example.com', 'https://*.example.com', 'http://localhost:*', 'http://[::1]:3000', 'chrome-extension://abc']) t.ok(pattern.test(rule), rule)
  })

  t.test('takes no path, no bare host and nothing that would be read as more than it says', async (t) => {
    for (const rule of ['', 'example.com', 'https://', 'https://example.com/', 'https://example.com/path', 'https://a b', 'https://(a|b)', 'https://a.b:port', '**', 'https://user@example.com', 'http://[example]']) t.notOk(pattern.test(rule), rule)
  })
})
