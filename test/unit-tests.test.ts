import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { testFiles } from '../scripts/unit-tests.mjs'

t.test('the unit tests', async (t) => {
  const files = await testFiles()
  const needs = new Map(files.map(({ file, need }) => [file, need]))

  t.test('are chosen from all test files', (t) => {
    const all = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts')).map((name) => join('test', name))
    t.strictSame([...needs.keys()].sort(), all.sort())
    t.end()
  })

  t.test('are those that start no other process and use nothing of the fault harness, nor does a helper of theirs', (t) => {
    for (const file of ['test/wire/id.test.ts', 'test/routes/send.test.ts', 'test/client/reconnect.test.ts', 'test/access/key-set.test.ts', 'test/brokers/memory.test.ts']) t.equal(needs.get(file), undefined, file)
    for (const [file, need] of [
      ['test/brokers/redis/contract.test.ts', /processes/], ['test/browser/client.test.ts', /processes/], ['test/package/package.test.ts', /processes/], ['test/server.test.ts', /processes/],
      ['test/hostile/bodies.test.ts', /processes/], ['test/faults/simulation/simulation.test.ts', /processes|random/], ['test/faults/oracle.test.ts', /random/]
    ] as const) t.match(needs.get(file), need, file)
    t.end()
  })

  t.test('are most of the test files', (t) => {
    t.ok(files.filter(({ need }) => need === undefined).length > files.length / 2)
    t.end()
  })
})
