import t from 'tap'
import { CHANNEL_NAME_PATTERN, ChannelNames, isChannelName } from '../../src/channels/name.js'
import { thrown } from '../codes.js'

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

t.test('ChannelNames', async (t) => {
  const names = new ChannelNames(new Set(['client.js']), { anyMembers: true, hasMembers: (channel) => channel !== 'room' })
  const long = 'a'.repeat(100)

  t.test('reserves the suffix of companions for the service', async (t) => {
    for (const name of ['room~presence', 'chat~presence', `${long}~presence`, 'chat~presence~presence', 'a~~presence']) {
      t.equal(thrown(() => { names.assert(name) }), 'MSG_ERR_CHANNEL_RESERVED', name)
    }
    for (const name of ['~presence', '.a~presence', 'a b~presence', `${long}a~presence`]) t.equal(thrown(() => { names.assert(name) }), 'MSG_ERR_CHANNEL_INVALID', name)
    for (const name of ['presence', 'a~presence2', 'a~Presence', 'a~presence~', 'a-presence']) t.doesNotThrow(() => { names.assert(name) }, name)
  })

  t.test('lets clients subscribe to the companions of channels whose members are known', async (t) => {
    for (const name of ['chat~presence', `${long}~presence`, 'room', 'chat']) t.doesNotThrow(() => { names.assertSubscribable(name) }, name)
    for (const name of ['room~presence', 'chat~presence~presence', 'client.js~presence', 'client.js', 'healthz~presence']) {
      t.equal(thrown(() => { names.assertSubscribable(name) }), 'MSG_ERR_CHANNEL_RESERVED', name)
    }
    for (const name of ['~presence', `${long}a~presence`, 'a b~presence', '', 7, null]) t.equal(thrown(() => { names.assertSubscribable(name) }), 'MSG_ERR_CHANNEL_INVALID', String(name))
    t.equal(thrown(() => { new ChannelNames(new Set()).assertSubscribable('chat~presence') }), 'MSG_ERR_CHANNEL_RESERVED')
  })
})
