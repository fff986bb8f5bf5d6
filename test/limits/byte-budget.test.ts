import t from 'tap'
import { ByteBudget } from '../../src/limits/byte-budget.js'
import { LimitCounters } from '../../src/limits/limit-counters.js'

function unexpected (): never {
  throw new Error('nothing has to go')
}

t.test('a byte budget', async (t) => {
  t.test('is shared by all and given back', async (t) => {
    const budget = new ByteBudget(100, new LimitCounters())
    const [one, other] = [budget.open('a', unexpected), budget.open('b', unexpected)]
    one.resize(60)
    other.resize(40)
    one.resize(10)
    t.equal(budget.bytes, 50)
    for (const lease of [one, other, one]) lease.close()
    one.resize(1_000)
    t.match([budget.bytes, one.isOpen], [0, false])
  })

  t.test('takes the largest from the address that has most, and spares addresses with few bytes', async (t) => {
    const counters = new LimitCounters()
    const budget = new ByteBudget(100, counters)
    const shed: string[] = []
    const open = (address: string, name: string) => budget.open(address, ({ message }) => { shed.push(`${name} ${message.includes('MAX_BYTES_IN_FLIGHT')}`) })
    open('much', 'one').resize(30)
    open('much', 'two').resize(20)
    open('single', 'three').resize(45)
    const little = open('little', 'four')
    little.resize(10)
    t.strictSame([shed, little.isOpen, budget.bytes, counters.get('maxBytesInFlight')], [['one true'], true, 75, 1])
    little.resize(1_000)
    t.strictSame([shed.at(-1), little.isOpen, budget.bytes], ['four true', false, 65])
  })
})
