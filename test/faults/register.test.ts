import t from 'tap'
import { Register } from '../../faults/register.mjs'

/** A register and its clock; `begin` begins an instance that is ready at once. */
function create (): { register: Register, at: (time: number) => void, begin: (name: string) => { vanished: boolean } } {
  let now = 0
  const register = new Register(() => now)
  return {
    register,
    at (time) { now = time },
    begin (name) {
      const life = register.begin(name)
      register.ready(name)
      return life
    }
  }
}

t.test('the register of instances in the fault harness', async (t) => {
  t.test('an instance that dies is missed, also when data is lost', async (t) => {
    const { register, at, begin } = create()
    const life = begin('a')
    at(10)
    register.lose(5)
    register.end('a')
    t.equal(life.vanished, false)
    t.equal(register.lifeOf('a'), undefined)
  })

  t.test('an instance whose entry was lost, too, has vanished, whether it died before or after', async (t) => {
    for (const diesFirst of [true, false]) {
      const { register, at, begin } = create()
      at(10)
      const life = begin('a')
      if (diesFirst) register.end('a')
      at(12)
      register.lose(5)
      if (!diesFirst) register.end('a')
      t.equal(life.vanished, true)
    }
  })

  t.test('an instance that has compared, or that has not died, has not vanished', async (t) => {
    const { register, at, begin } = create()
    at(10)
    const [first, second] = [begin('a'), begin('b')]
    register.lose(5)
    register.compare('a')
    register.end('a')
    t.strictSame([first.vanished, second.vanished], [false, false])
  })

  t.test('an instance whose entry is known to another one that lives, or that has compared, has not vanished', async (t) => {
    const { register, at, begin } = create()
    begin('witness')
    at(10)
    const life = begin('a')
    register.lose(5)
    register.end('a')
    t.equal(life.vanished, false, 'the witness may still tell')
    register.end('witness')
    t.equal(life.vanished, true, 'nobody is left')
    const other = create()
    other.begin('witness')
    other.at(10)
    const told = other.begin('a')
    other.register.lose(5)
    other.register.end('a')
    other.register.compare('witness')
    other.register.end('witness')
    t.equal(told.vanished, false)
  })
})
