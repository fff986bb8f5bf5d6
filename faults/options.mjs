import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'

const NUMBERS = {
  messages: [50_000, 'messages that publishers send in all'],
  subscribers: [20, 'subscribers, each of every channel'],
  shared: [7, 'subscribers of 1, 4 and 30 channels on one connection, which change them'],
  publishers: [12, 'publishers at the same time'],
  faults: [200, 'faults'],
  seconds: [120, 'time in which the messages are sent and the faults happen'],
  instances: [1, 'instances of the service (2 with Redis)'],
  settle: [60, 'seconds without progress after which those who are behind, when the faults are over, are late (120 with Redis)']
}
/** Defaults that differ with Redis. */
const WITH_REDIS = { instances: 2, messages: 52_000, faults: 240, settle: 120 }
const DEFAULT_RUNS = 3
const MAX_SEED = 1e9

/** Setups of Redis that the instances share, by option; at most one of them. */
const SETUPS = {
  redis: 'instances share a redis-server, which fails as well',
  sentinel: 'instances share a master, its replica and Sentinels, which fail as well',
  cluster: 'instances share a cluster of three masters with a replica each, which fail as well; slots are moved'
}
const FLAGS = {
  'min-replicas': 'with --sentinel or --cluster: a master that has lost its replica takes nothing (min-replicas-to-write 1)',
  busy: 'every processor is loaded meanwhile',
  plan: 'print what would happen, and stop',
  json: 'print the results as one line of JSON, too',
  help: 'print this, and stop'
}

const lines = (table) => Object.entries(table).map(([name, text]) => `  --${name.padEnd(15)} ${text}`).join('\n')

export const USAGE = `usage: npm run faults -- [options]

  --seeds <list>    seeds, one run each; also SEED=… (default: others each time)
  --runs <n>        runs with other seeds each time (default ${DEFAULT_RUNS})
${Object.entries(NUMBERS).map(([name, [value, text]]) => `  --${`${name} <n>`.padEnd(15)} ${text} (default ${value})`).join('\n')}
  --only <list>     kinds of faults, separated by commas (default all)
${lines(SETUPS)}
${lines(FLAGS)}
`

/** Reads the command line; the environment knows each option by its name in capitals. Throws for what it does not know. */
export function readOptions (args, env) {
  const options = { seeds: { type: 'string' }, runs: { type: 'string' }, only: { type: 'string' } }
  for (const name of Object.keys(NUMBERS)) options[name] = { type: 'string' }
  for (const name of [...Object.keys(SETUPS), ...Object.keys(FLAGS)]) options[name] = { type: 'boolean' }
  const { values } = parseArgs({ args, options })
  const [setup, ...others] = Object.keys(SETUPS).filter((name) => values[name])
  if (others.length > 0) throw new Error(`--${setup} and --${others[0]} exclude each other`)
  const numbers = Object.fromEntries(Object.entries(NUMBERS).map(([name, [value]]) => {
    return [name, positive(name, values[name] ?? env[name.toUpperCase()] ?? byDefault(name, value, setup))]
  }))
  if (numbers.instances > 1 && setup === undefined) throw new Error('--instances above 1 needs --redis, --sentinel or --cluster: only there they are one messenger')
  const minReplicas = values['min-replicas'] ?? false
  if (minReplicas && (setup === undefined || setup === 'redis')) throw new Error('--min-replicas needs --sentinel or --cluster')
  const given = values.seeds ?? env.SEED ?? env.SEEDS
  const runs = positive('runs', values.runs ?? env.RUNS ?? DEFAULT_RUNS)
  const seeds = given?.split(',') ?? Array.from({ length: runs }, () => String(randomInt(1, MAX_SEED)))
  const only = (values.only ?? env.ONLY ?? '').split(',').filter(Boolean)
  const { busy = false, plan = false, json = false, help = false } = values
  return { ...numbers, setup, minReplicas, busy, seeds, only, plan, json, help }
}

/** The command that repeats the run of a seed. */
export function commandOf (options, seed) {
  const { setup, minReplicas, busy, only } = options
  const numbers = Object.entries(NUMBERS).filter(([name, [value]]) => options[name] !== byDefault(name, value, setup))
  return [
    'npm run faults -- --seeds', seed,
    ...setup === undefined ? [] : [`--${setup}`],
    ...minReplicas ? ['--min-replicas'] : [],
    ...busy ? ['--busy'] : [],
    ...numbers.map(([name]) => `--${name} ${options[name]}`),
    ...only.length === 0 ? [] : ['--only', only.join(',')]
  ].join(' ')
}

function byDefault (name, value, setup) {
  return setup !== undefined && name in WITH_REDIS ? WITH_REDIS[name] : value
}

function positive (name, value) {
  const number = Number(value)
  if (!(number > 0)) throw new Error(`--${name} must be a number above 0, but is ${value}`)
  return number
}
