import t from 'tap'
import { resolveOptions } from '../../src/options/schema.js'
import { ChannelRules } from '../../src/options/rules.js'
import { thrown } from '../codes.js'

t.test('ChannelRules', async (t) => {
  t.test('has the first rule whose pattern matches, and otherwise the defaults', async (t) => {
    const rules = new ChannelRules({ 'chat:secret': { presence: false }, 'chat:*': { presence: true }, '*': {} })
    for (const [channel, presence] of [['chat:1', true], ['chat:', true], ['chat:secret', false], ['chat', false], ['news', false]] as const) {
      t.equal(rules.hasMembers(channel), presence, channel)
    }
    t.strictSame(new ChannelRules({}).of('chat:1'), {})
    t.strictSame(new ChannelRules({ 'a*': { presence: true } }).of('b'), {})
  })

  t.test('has none for a companion', async (t) => {
    const rules = new ChannelRules({ '*': { presence: true } })
    t.equal(rules.hasMembers('room'), true)
    t.equal(rules.hasMembers('room~presence'), false)
  })
})

t.test('the option channels', async (t) => {
  t.test('takes patterns and the fields of a rule', async (t) => {
    for (const channels of [{}, { '*': {} }, { 'chat:*': { presence: true }, 'a.b': { presence: false } }]) t.strictSame(resolveOptions({ channels }).channels, channels)
  })

  t.test('refuses anything else with one line that names the pattern and the field', async (t) => {
    for (const [channels, message] of [
      [{ 'chat:*': { presense: true } }, 'Option channels: "chat:*" has an unknown field "presense": known are presence'],
      [{ a: {}, 'b c': {} }, 'Option channels: "b c" is no pattern: use 1 to 100 characters of a channel\'s name or *'],
      [{ '': {} }, 'Option channels: "" is no pattern: use 1 to 100 characters of a channel\'s name or *'],
      [{ a: { presence: 1 } }, 'Option channels: "a" must have as presence true or false, but has 1'],
      [{ a: null }, 'Option channels: "a" must be an object, but is null'],
      [{ a: [] }, 'Option channels: "a" must be an object, but is []'],
      [['a'], 'Option channels must be an object of rules by pattern, such as {"chat:*":{"presence":true}}, but is ["a"]']
    ] as const) t.throws(() => resolveOptions({ channels }), { code: 'MSG_ERR_CONFIG_INVALID', message })
    for (const channels of [null, 'a', 7, true, [], { [`a${'b'.repeat(100)}`]: {} }]) t.equal(thrown(() => resolveOptions({ channels })), 'MSG_ERR_CONFIG_INVALID', JSON.stringify(channels))
  })
})
