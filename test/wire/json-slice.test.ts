import t from 'tap'
import { sliceElements, sliceMembers } from '../../src/wire/json-slice.js'
import { RandomJson } from './random-json.js'

const ROUNDS = 5_000

t.test('sliceMembers', async (t) => {
  t.test('gives each member as it was written', async (t) => {
    const json = ' { "a" : 1.0 , "b":"x\\"}" ,\n"c":[ 1, {"d":"]"} ],"e":{ "f" : {} },"g":true,"h":-0,"i":null}'
    t.strictSame([...sliceMembers(json)], [['a', '1.0'], ['b', '"x\\"}"'], ['c', '[ 1, {"d":"]"} ]'], ['e', '{ "f" : {} }'], ['g', 'true'], ['h', '-0'], ['i', 'null']])
  })

  t.test('finds nothing in an empty object', async (t) => {
    for (const json of ['{}', ' {\n} ']) t.equal(sliceMembers(json).size, 0)
  })

  t.test('takes the last of equal keys, however they are written', async (t) => {
    t.equal(sliceMembers('{"message":1,"\\u006dessage":2}').get('message'), '2')
    t.equal(sliceMembers('{"__proto__":1}').get('__proto__'), '1')
  })

  t.test('tells an escaped quote from the end of a string', async (t) => {
    for (const text of ['"\\""', '"\\\\"', '"\\\\\\""', '"\\\\\\\\"', '""', '"{"', '"\\u0022"']) {
      t.equal(sliceMembers(`{"a":${text},"b":1}`).get('a'), text)
    }
  })

  t.test('agrees with JSON.parse on any object', async (t) => {
    const random = new RandomJson(1)
    for (let round = 0; round < ROUNDS; round++) {
      const json = `${random.space()}${random.object()}${random.space()}`
      const parsed = JSON.parse(json) as Record<string, unknown>
      const members = sliceMembers(json)
      const same = members.size === Object.keys(parsed).length &&
        [...members].every(([key, text]) => JSON.stringify(JSON.parse(text)) === JSON.stringify(Object.getOwnPropertyDescriptor(parsed, key)?.value) && text === text.trim())
      if (!same) t.fail(json)
    }
    t.pass(`${ROUNDS} objects`)
  })
})

t.test('sliceElements', async (t) => {
  t.test('gives each element as it was written', async (t) => {
    t.strictSame(sliceElements(' [ 1.0 , "a,]" ,\n[ 2, [] ],{ "b" : "\\"" },null] '), ['1.0', '"a,]"', '[ 2, [] ]', '{ "b" : "\\"" }', 'null'])
  })

  t.test('finds nothing in an empty array', async (t) => {
    for (const json of ['[]', ' [\n] ']) t.strictSame(sliceElements(json), [])
  })

  t.test('agrees with JSON.parse on any array', async (t) => {
    const random = new RandomJson(2)
    for (let round = 0; round < ROUNDS; round++) {
      const json = `${random.space()}${random.array()}${random.space()}`
      const elements = sliceElements(json)
      const same = JSON.stringify(elements.map((text) => JSON.parse(text) as unknown)) === JSON.stringify(JSON.parse(json)) && elements.every((text) => text === text.trim())
      if (!same) t.fail(json)
    }
    t.pass(`${ROUNDS} arrays`)
  })
})
