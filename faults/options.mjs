import { parseArgs } from 'node:util'

const NUMBERS = {
  messages: [50_000, 'messages that publishers send in all'],
  subscribers: [20, 'subscribers, each of every channel'],
  publishers: [12, 'publishers at the same time'],
  faults: [200, 'faults'],
  seconds: [120, 'time in which the messages are sent and the faults happen'],
  instances: [1, 'instances of the service (2 with --redis)'],
  settle: [60, 'seconds that everybody has to catch up, at most, when the faults are over (120 with --redis)']
}
/** What differs with Redis. */
const WITH_REDIS = { instances: 2, messages: 52_000, faults: 240, settle: 120 }
const DEFAULT_SEEDS = '1,2,3'

export const USAGE = `usage: node faults/run.mjs [options]

  --seeds <list>        seeds, one run each; also SEED=… (default ${DEFAULT_SEEDS})
${Object.entries(NUMBERS).map(([name, [value, text]]) => `  --${name.padEnd(11)} <n>  ${text} (default ${value})`).join('\n')}
  --redis               instances share a redis-server, which fails as well
  --sentinel            instances share a master, its replica and Sentinels, which fail as well
  --only <list>         kinds of faults, separated by commas (default all)
  --plan                print what would happen, and stop
  --json                print the results as one line of JSON, too
`

/** Reads the command line; the environment knows each option by its name in capitals. Throws for what it does not know. */
export function readOptions (args, env) {
  const options = { seeds: { type: 'string' }, only: { type: 'string' }, redis: { type: 'boolean' }, sentinel: { type: 'boolean' }, plan: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean' } }
  for (const name of Object.keys(NUMBERS)) options[name] = { type: 'string' }
  const { values } = parseArgs({ args, options })
  const sentinel = values.sentinel ?? false
  const redis = sentinel || (values.redis ?? false)
  const numbers = Object.fromEntries(Object.entries(NUMBERS).map(([name, [value]]) => {
    const byDefault = redis && name in WITH_REDIS ? WITH_REDIS[name] : value
    return [name, positive(name, values[name] ?? env[name.toUpperCase()] ?? byDefault)]
  }))
  if (numbers.instances > 1 && !redis) throw new Error('--instances above 1 needs --redis or --sentinel: only there they are one messenger')
  const seeds = (values.seeds ?? env.SEED ?? env.SEEDS ?? DEFAULT_SEEDS).split(',')
  const only = (values.only ?? env.ONLY ?? '').split(',').filter(Boolean)
  return { ...numbers, redis, sentinel, seeds, only, plan: values.plan ?? false, json: values.json ?? false, help: values.help ?? false }
}

function positive (name, value) {
  const number = Number(value)
  if (!(number > 0)) throw new Error(`--${name} must be a number above 0, but is ${value}`)
  return number
}
