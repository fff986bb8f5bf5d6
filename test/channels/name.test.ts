import t from 'tap'
import { CHANNEL_NAME_PATTERN, isChannelName } from '../../src/channels/name.js'

const ALLOWED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:@=+~-'

t.test('isChannelName', async (t) => {
  t.test('takes 1 to 100 of its characters, of which the first is a letter, a digit or _', async (t) => {
    for (let code = 0; code < 256; code++) {
      const character = String.fromCharCode(code)
      t.equal(isChannelName(character), /[A-Za-z0-9_]/.test(character), JSON.stringify(character))
      t.equal(isChannelName(`a${character}`), ALLOWED.includes(character), JSON.stringify(`a${character}`))
    }
    t.ok(isChannelName('a'.repeat(100)))
    t.notOk(isChannelName('a'.repeat(101)))
    t.notOk(isChannelName(''))
  })

  t.test('is not deceived by what stands beside a good name', async (t) => {
    for (const name of ['room\n', '\nroom', 'room\n1', 'room ', ' room', 'ro om', 'rööm', 'room\u0000', 'room/1', '🎉', '__proto__/', '١']) {
      t.equal(isChannelName(name), false, JSON.stringify(name))
    }
    for (const name of ['__proto__', 'constructor', 'toString', 'send', 'a..b', '0']) t.equal(isChannelName(name), true, name)
  })
})

t.test('CHANNEL_NAME_PATTERN', async (t) => {
  t.test('is anchored', async (t) => {
    t.match(CHANNEL_NAME_PATTERN, /^\^.*\$$/)
  })
})
