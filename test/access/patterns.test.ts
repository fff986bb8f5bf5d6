import t from 'tap'
import { isPattern, Patterns } from '../../src/access/patterns.js'

/** The expected result, by the simplest algorithm; slow for patterns with many `*`. */
function reference (pattern: string, name: string): boolean {
  if (pattern === '') return name === ''
  if (pattern.startsWith('*')) return reference(pattern.slice(1), name) || (name !== '' && reference(pattern, name.slice(1)))
  return pattern[0] === name[0] && reference(pattern.slice(1), name.slice(1))
}

function covers (pattern: string, name: string): boolean {
  return new Patterns([pattern]).cover(name)
}

t.test('a pattern', async (t) => {
  t.test('without * covers the channel of that name and no other', async (t) => {
    t.equal(covers('room', 'room'), true)
    for (const name of ['roo', 'rooms', 'Room', 'aroom', '']) t.equal(covers('room', name), false, name)
  })

  t.test('has * for any run of characters, also none, wherever it stands', async (t) => {
    for (const [pattern, name] of [
      ['*', 'room'], ['*', ''], ['room*', 'room'], ['room*', 'room:1'], ['*room', 'room'], ['*room', 'my-room'], ['r*m', 'rm'], ['r*m', 'room'],
      ['r*m', 'rmm'], ['*o*', 'room'], ['a*b*c', 'abc'], ['a*b*c', 'a1b2b3c'], ['**', 'room'], ['a**b', 'ab'], ['*ab', 'aab'], ['*aab*', 'aaab']
    ] as const) t.equal(covers(pattern, name), true, `${pattern} ${name}`)
    for (const [pattern, name] of [
      ['room*', 'roo'], ['*room', 'rooms'], ['r*m', 'r'], ['r*m', 'rooms'], ['a*b*c', 'acb'], ['a*b*c', 'abcd'], ['*a*', 'room'], ['a*a', 'a']
    ] as const) t.equal(covers(pattern, name), false, `${pattern} ${name}`)
  })

  t.test('takes no other character for anything but itself', async (t) => {
    for (const [pattern, name] of [['a.c', 'abc'], ['a+', 'aa'], ['a~', 'a'], ['a-c', 'b']] as const) t.equal(covers(pattern, name), false, pattern)
  })

  t.test('covers what a simple implementation says, whatever the pattern and the name', async (t) => {
    const random = (length: number, alphabet: string): string => Array.from({ length: Math.floor(Math.random() * (length + 1)) }, () => alphabet[Math.floor(Math.random() * alphabet.length)]).join('')
    let covered = 0
    for (let round = 0; round < 20_000; round++) {
      const [pattern, name] = [random(7, 'ab**'), random(9, 'ab')]
      const expected = reference(pattern, name)
      if (expected) covered++
      if (covers(pattern, name) !== expected) t.fail(`${pattern} ${name} is ${expected}`)
    }
    t.ok(covered > 2_000 && covered < 18_000, `${covered} of 20000 were covered`)
  })

  t.test('with 50 * is fast on a name of 100 characters', async (t) => {
    const pattern = 'a*'.repeat(49) + '*b'
    const patterns = new Patterns(Array<string>(100).fill(pattern))
    const { user } = process.cpuUsage()
    t.equal(patterns.cover('a'.repeat(100)), false)
    t.equal(patterns.cover(`${'a'.repeat(99)}b`), true)
    t.ok(process.cpuUsage().user - user < 1_000_000, 'in less than a second for a hundred of them')
  })
})

t.test('patterns', async (t) => {
  t.test('cover what one of them covers', async (t) => {
    const patterns = new Patterns(['news', 'user:7:*'])
    t.strictSame(['news', 'user:7:', 'user:7:inbox', 'user:8:inbox', 'user'].map((name) => patterns.cover(name)), [true, true, true, false, false])
  })

  t.test('cover nothing when there are none', async (t) => {
    t.equal(new Patterns([]).cover('room'), false)
  })
})

t.test('isPattern', async (t) => {
  t.test('takes 1 to 100 characters of a name, and *', async (t) => {
    for (const text of ['*', 'a', '-', '.:@=+~-_*', 'a'.repeat(100)]) t.equal(isPattern(text), true, text)
    for (const text of ['', 'a b', 'a/b', 'ä', 'a\n', 'a'.repeat(101), '?', '(a)', 7, null, undefined, ['a'], {}]) t.equal(isPattern(text), false, JSON.stringify(text))
  })
})
