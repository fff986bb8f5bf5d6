// `npm run faults`: does the service keep its promise while the network, the process and the subscribers fail?
// Everything that is random follows from the seed. What the operating system decides, such as the time of a packet, does not,
// so a seed brings back the same faults and not always the same interleaving.
import { prepare } from './build.mjs'
import { loadProcessors } from './load.mjs'
import { commandOf, readOptions, USAGE } from './options.mjs'

/** A run ends after so many times the seconds to settle, and some to end, whatever progress it makes. */
const SETTLING_PARTS = 12
const MARGIN_SECONDS = 30

let options
try {
  options = readOptions(process.argv.slice(2), process.env)
} catch (error) {
  process.stderr.write(`${error.message}\n\n${USAGE}`)
  process.exit(2)
}
if (options.help) {
  process.stdout.write(USAGE)
  process.exit(0)
}

prepare()

// These load the client that was built.
const { planOf, runScenario } = await import('./scenario.mjs')
const { faultTable, jsonLine, resultTable, slowestText, violationText } = await import('./report.mjs')

if (options.plan) {
  for (const seed of options.seeds) for (const fault of planOf(seed, options)) console.log(JSON.stringify({ seed, ...fault }))
  process.exit(0)
}

const results = []
for (const seed of options.seeds) {
  const command = commandOf(options, seed)
  const limitMs = 1_000 * (options.seconds + SETTLING_PARTS * options.settle + MARGIN_SECONDS)
  const limit = setTimeout(() => {
    console.error(`seed ${seed}: the run did not end by itself\n  once more: ${command}`)
    process.exit(1)
  }, limitMs)
  console.error(`seed ${seed}: ${options.messages} messages, ${options.subscribers} subscribers, ${options.faults} faults, ${options.seconds} s …  ${command}`)
  const unload = options.busy ? loadProcessors(limitMs) : () => {}
  try {
    results.push({ seed, command, ...await runScenario(seed, options) })
  } catch (error) {
    console.error(`seed ${seed}: ${error.stack}\n  once more: ${command}`)
    process.exit(1)
  }
  unload()
  clearTimeout(limit)
}

console.log([resultTable(results), faultTable(results), ...results.map(slowestText)].filter(Boolean).join('\n\n'))
const isBroken = results.some(({ violations }) => violations.length > 0)
if (isBroken) console.log(`\n${results.map(violationText).filter(Boolean).join('\n\n')}`)
if (options.json) console.log(jsonLine(results))
process.exit(isBroken ? 1 : 0)
