import { parseArgs } from 'node:util'

const NUMBERS = {
  messages: [50_000, 'messages that publishers send in all'],
  subscribers: [20, 'subscribers, each of every channel'],
  publishers: [12, 'publishers at the same time'],
  faults: [200, 'faults'],
  seconds: [120, 'time in which the messages are sent and the faults happen'],
  settle: [60, 'seconds that everybody has to catch up, at most, when the faults are over']
}
const DEFAULT_SEEDS = '1,2,3'

export const USAGE = `usage: node test/faults/run.mjs [options]

  --seeds <list>        seeds, one run each; also SEED=… (default ${DEFAULT_SEEDS})
${Object.entries(NUMBERS).map(([name, [value, text]]) => `  --${name.padEnd(11)} <n>  ${text} (default ${value})`).join('\n')}
  --only <list>         kinds of faults, separated by commas (default all)
  --plan                print what would happen, and stop
  --json                print the results as one line of JSON, too
`

/** Reads the command line; the environment knows each option by its name in capitals. Throws for what it does not know. */
export function readOptions (args, env) {
  const options = { seeds: { type: 'string' }, only: { type: 'string' }, plan: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean' } }
  for (const name of Object.keys(NUMBERS)) options[name] = { type: 'string' }
  const { values } = parseArgs({ args, options })
  const numbers = Object.entries(NUMBERS).map(([name, [value]]) => [name, positive(name, values[name] ?? env[name.toUpperCase()] ?? value)])
  const seeds = (values.seeds ?? env.SEED ?? env.SEEDS ?? DEFAULT_SEEDS).split(',')
  const only = (values.only ?? env.ONLY ?? '').split(',').filter(Boolean)
  return { ...Object.fromEntries(numbers), seeds, only, plan: values.plan ?? false, json: values.json ?? false, help: values.help ?? false }
}

function positive (name, value) {
  const number = Number(value)
  if (!(number > 0)) throw new Error(`--${name} must be a number above 0, but is ${value}`)
  return number
}
