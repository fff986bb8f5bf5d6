// `npm run stress`: the tests with Redis and those in a browser, ten times in a row, while every processor is loaded.
// `npm run stress -- --times 3 test/wire/id.test.ts` runs other files. The first run that fails is shown and is the last one.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadProcessors } from '../faults/load.mjs'
import { root } from '../scripts/root.mjs'
import { conclude, heading, run, timed } from '../scripts/steps.mjs'

const RUN_TIMEOUT_MS = 20 * 60_000

const { values, positionals } = parseArgs({ allowPositionals: true, options: { times: { type: 'string', default: '10' } } })
const times = Number(values.times)
if (!Number.isInteger(times) || times < 1) throw new Error(`--times: expected a number of 1 or more, got ${values.times}`)
const files = positionals.length > 0 ? positionals : ['test/brokers/redis', 'test/browser'].flatMap(testFilesOf)

const result = { passed: 0, failures: [], seconds: {} }
const unload = loadProcessors(times * RUN_TIMEOUT_MS)
for (let number = 1; number <= times && result.failures.length === 0; number++) {
  const { code, output, seconds } = await timed(() => run(['scripts/test.mjs', ...files], { quiet: true, timeoutMs: RUN_TIMEOUT_MS }))
  const [counts, passed] = /^(\d+) passed, \d+ failed$/m.exec(output) ?? ['no result', 0]
  console.log(`run ${number} of ${times}: ${counts}, ${Math.round(seconds)} s`)
  result.passed += Number(passed)
  result.seconds[`run ${number}`] = seconds
  if (code === 0) continue
  heading(`Run ${number}`)
  console.log(output)
  result.failures.push(`run ${number}: ${counts}`)
}
unload()
conclude(result)

function testFilesOf (directory) {
  return readdirSync(join(root, directory), { recursive: true }).filter((name) => name.endsWith('.test.ts')).map((name) => join(directory, name))
}
