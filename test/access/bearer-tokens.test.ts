import t from 'tap'
import { BearerTokens } from '../../src/access/bearer-tokens.js'

t.test('bearer tokens', async (t) => {
  t.test('are known by their place', async (t) => {
    const tokens = new BearerTokens(['old', 'new'])
    t.equal(tokens.size, 2)
    t.strictSame(['old', 'new', 'other', '', 'ol', 'oldx'].map((token) => tokens.indexOf(token)), [0, 1, -1, -1, -1, -1])
  })

  t.test('may be one, or none', async (t) => {
    t.equal(new BearerTokens('only').indexOf('only'), 0)
    t.match(new BearerTokens([]), { size: 0 })
    t.equal(new BearerTokens([]).indexOf(''), -1)
  })
})
