import t from 'tap'
import { formatId, parseId } from '../../src/wire/id.js'

t.test('parseId', async (t) => {
  t.test('reads what formatId wrote', async (t) => {
    for (const [epoch, offset] of [['k3f9a2', 42], ['e', 0], ['a-1_Z', Number.MAX_SAFE_INTEGER], ['e'.repeat(64), 1]] as const) {
      t.strictSame(parseId(formatId(epoch, offset)), { epoch, offset })
    }
  })

  t.test('refuses what is not an id', async (t) => {
    const texts = [
      '', ':', 'e', 'e:', ':1', 'e:1:2', 'e:01', 'e:-1', 'e:+1', 'e:1.5', 'e:1e3', 'e:0x1', 'e: 1', 'e:1 ', ' e:1', 'e:1\n', 'e e:1', 'é:1', 'e.f:1',
      `${'e'.repeat(65)}:1`, 'e:9007199254740992', 'e:99999999999999999999', 'e:NaN', 'e:Infinity', 'now', 'earliest'
    ]
    for (const text of texts) t.equal(parseId(text), undefined, JSON.stringify(text))
  })
})
