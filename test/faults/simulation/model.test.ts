import type { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { Random } from '../../../faults/simulation/random.mjs'
import { limits } from '../../../faults/simulation/redis/register-scripts.mjs'
import { type Meta, type Register, Server } from '../../../faults/simulation/redis/server.mjs'
import { DECIDE, JOIN, LEAVE, LOOK, WITNESS } from '../../../src/brokers/redis/failover/register-scripts.js'
import { PUBLISH, READ, TOUCH, VERIFY } from '../../../src/brokers/redis/log/scripts.js'
import { startRedis } from '../../brokers/redis/redis-server.js'

/** Number of keys and text of each script that the model knows; without a number it is the first argument. */
const SCRIPTS: Record<string, readonly [keys: number | undefined, lua: string]> = {
  messengerPublish: [4, PUBLISH],
  messengerRead: [3, READ],
  messengerVerify: [undefined, VERIFY],
  messengerTouch: [1, TOUCH],
  messengerJoin: [1, JOIN],
  messengerDecide: [1, DECIDE],
  messengerLook: [1, LOOK],
  messengerWitness: [1, WITNESS],
  messengerLeave: [1, LEAVE]
}
const SEQUENCES = Number(process.env['SIMULATION_SEQUENCES'] ?? 400)
const SEED = Number(process.env['SIMULATION_SEED'] ?? 1)
const STEPS = 60
const REGISTER = 'register'
const CHANNELS = ['a', 'b']
const LONG = '100000000'

interface Command {
  readonly name: string
  readonly args: readonly string[]
}

/** An entry of a log in the model. */
interface Stored {
  readonly offset: number
  readonly message: string
  readonly receipt: string
}

/** A random sequence of commands, made up from what the model has by then. */
class Sequence {
  readonly server: Server
  readonly #source: Random
  readonly #terms: string[] = []
  readonly #epochs: string[] = []
  readonly #ids = ['-', 'nobody']
  #calls = 0

  constructor (random: Random, seconds: number, replid: string) {
    this.#source = random
    this.server = new Server(() => seconds * 1_000, replid)
    this.began()
  }

  /** Another term is known from now on. */
  began (): void {
    this.#terms.push(this.server.term)
  }

  next (): Command {
    const register = this.#register
    const term = this.#pick([register?.term ?? this.server.term, register?.term ?? this.server.term, register?.open ?? this.server.term, this.server.term, this.#pick(this.#terms), ''])
    const channel = this.#pick(CHANNELS)
    const keys = [`{${channel}}:meta`, `{${channel}}:log`, REGISTER]
    const name = this.#source.weighted({ Publish: 10, Read: 10, Verify: 5, Touch: 1, Join: 6, Decide: 5, Look: 2, Witness: 2, Leave: 1 })
    const args = {
      Publish: () => [...keys, `{${channel}}:key:${this.#pick(['1', '2'])}`, term, this.#random(), `"${this.#calls}"`, this.#pick(['0', '2', '5', '5']), LONG, LONG, `${channel}:live`, this.#pick(['', '', 'x', 'y']), LONG, '7', this.#pick(['', '', 'a.1.1000'])],
      Read: () => [...keys, term, this.#random(), this.#pick([LONG, LONG, LONG, '-5000']), LONG, LONG, this.#pick(['now', 'earliest', 'after', 'after', 'after']), this.#epoch(channel), this.#offset(channel), this.#pick(['0', '1', '1000', '1000']), this.#pick(['0', '0', '1'])],
      Verify: () => {
        const channels = this.#some(CHANNELS)
        return [
          String(2 * channels.length + 1), ...channels.flatMap((name) => [`{${name}}:meta`, `{${name}}:log`]), REGISTER,
          term, this.#random(), ...channels.flatMap((name) => [this.#epoch(name), this.#offset(name), `${name}:live`])
        ]
      },
      Touch: () => [keys[0] ?? '', LONG, LONG],
      Join: () => [REGISTER, term, this.#pick(this.#ids), this.#id(), this.#pick([register?.term ?? '-', '-', ...this.#terms]), this.#pick([register?.term ?? '-', '-', ...this.#terms]), this.#pick(['0', '0', '0', '0', '1']), ...this.#some(this.#ids.slice(1))],
      Decide: () => [REGISTER, term, this.#pick(['0', '0', '1'])],
      Look: () => [REGISTER],
      Witness: () => [REGISTER, term, this.#pick(this.#ids), this.#pick(['0', '0', '1']), ...this.#some(this.#ids)],
      Leave: () => [REGISTER, this.#pick(this.#ids), term]
    }[name]()
    return { name: `messenger${name}`, args }
  }

  /** Runs a command on the model; an error is its first word. */
  execute ({ name, args }: Command): unknown {
    try {
      const answer = this.server.execute(name, args)
      if (name === 'messengerJoin' && Array.isArray(answer)) this.#terms.push(String(answer[1]).length > 12 ? String(answer[1]) : this.server.term)
      for (const channel of CHANNELS) {
        const epoch = this.meta(channel)?.epoch
        if (epoch !== undefined && !this.#epochs.includes(epoch)) this.#epochs.push(epoch)
      }
      return answer
    } catch (error) {
      return firstWord(error)
    }
  }

  meta (channel: string): Meta | undefined {
    return this.server.get(`{${channel}}:meta`) as Meta | undefined
  }

  get #register (): Register | undefined {
    return this.server.get(REGISTER) as Register | undefined
  }

  #epoch (channel: string): string {
    const own = this.meta(channel)?.epoch ?? 'none'
    return this.#pick([own, own, this.#pick([own, ...this.#epochs]), this.#pick([own, ...this.#epochs]), 'zzzzzzz-x-0000', 'zzzzzzzzzzzz-x-0000', '1-x-0000', 'none'])
  }

  #offset (channel: string): string {
    return String(this.#source.integer(0, (this.meta(channel)?.head ?? 0) + 2))
  }

  #random (): string {
    return `r${++this.#calls}`
  }

  #id (): string {
    const id = `i${++this.#calls}`
    this.#ids.push(id)
    return id
  }

  #some (list: string[]): string[] {
    return list.filter(() => this.#source.chance(0.3))
  }

  #pick<T> (list: readonly T[]): T {
    return this.#source.pick(list)
  }

  /** All that is stored, as a server would show it. */
  get stored (): unknown {
    const { instances = {}, chain, terms, departed, ...fields } = this.#register ?? {}
    const entries = Object.entries(instances).map(([id, { compared, since, safe }]) => [`i:${id}`, `a ${compared} ${since} ${safe}`])
    const lists = Object.entries({ chain, terms, departed }).map(([name, list]) => [name, list?.join(' ')])
    return [
      tidy([...Object.entries(fields), ...lists, ...entries] as [string, string | undefined][]),
      ...CHANNELS.map((channel) => {
        const { past = [], from = 0, ...others } = this.meta(channel) ?? {}
        const list = past.map(({ epoch, bound, ok }) => `${epoch}:${bound}:${ok ? 1 : 0}`).join(' ')
        return tidy([...Object.entries(others).map(([name, value]) => [name, String(value)] as [string, string]), ['past', list], ['from', from === 0 ? '' : String(from)]])
      }),
      ...CHANNELS.map((channel) => (this.server.get(`{${channel}}:log`) as Stored[] | undefined ?? []).map(({ offset, message, receipt }) => [String(offset), message, receipt]))
    ]
  }
}

/** Fields in one order; what is empty is as good as not there. */
function tidy (fields: [string, string | undefined][]): [string, string][] {
  return fields.map(([name, value]) => [name, value?.trim() ?? ''] as [string, string]).filter(([, value]) => value !== '').sort(([one], [other]) => one < other ? -1 : 1)
}

function firstWord (error: unknown): string {
  return (error as Error).message.split(' ', 1)[0] ?? ''
}

/** An answer without what is allowed to differ: the time of an entry and the order of instances. */
function comparable (name: string, answer: unknown): unknown {
  if (!Array.isArray(answer)) return answer
  const list = answer as unknown[]
  if (name === 'messengerLook') {
    const rows = Array.from({ length: (list.length - 2) / 3 }, (_, row) => list.slice(2 + row * 3, 5 + row * 3).join(' '))
    return [...list.slice(0, 2), ...rows.sort()]
  }
  if (name === 'messengerDecide') return [list[0], ...list.slice(1).sort()]
  if (name === 'messengerRead' && Array.isArray(list[4])) return [...list.slice(0, 4), (list[4] as [string, string[]][]).map(([id, fields]) => [id.split('-', 1)[0], ...fields])]
  return list
}

/** Throws when the two are not the same; this many comparisons are too many to be an assertion each. */
function differ (found: unknown, wanted: unknown, what: string): void {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(`${what}\nserver: ${JSON.stringify(found)}\nmodel:  ${JSON.stringify(wanted)}`)
}

/** An announcement without its time, of which the model knows the seconds alone. */
function untimed (text: string): string {
  return text.replace(/,"time":\d+$/, '')
}

async function storedIn (client: Redis): Promise<unknown> {
  const hashes = await Promise.all([REGISTER, ...CHANNELS.map((channel) => `{${channel}}:meta`)].map((key) => client.hgetall(key)))
  const logs = await Promise.all(CHANNELS.map((channel) => client.xrange(`{${channel}}:log`, '-', '+')))
  return [
    ...hashes.map((hash) => tidy(Object.entries(hash))),
    ...logs.map((log) => log.map(([id, fields]) => [id.split('-', 1)[0], fields[1], fields[3] ?? '']))
  ]
}

const replidOf = async (client: Redis): Promise<string> => /master_replid:(\w+)/.exec(await client.info('replication'))?.[1] ?? ''
const secondsOf = async (client: Redis): Promise<number> => Number((await client.time())[0])

t.test('the model of Redis in the simulation', async (t) => {
  const server = await startRedis(t, { args: ['--enable-debug-command', 'yes'] })
  const client = server.connect(t)
  const subscriber = server.connect(t)
  const heard: string[] = []
  subscriber.on('smessage', (name: string, text: string) => { heard.push(`${name} ${text}`) })
  await subscriber.ssubscribe('a:live')
  await subscriber.ssubscribe('b:live')
  const shas = new Map<string, string>()
  const load = async (change = (lua: string): string => lua): Promise<void> => {
    for (const [name, [, lua]] of Object.entries(SCRIPTS)) shas.set(name, String(await client.script('LOAD', change(lua))))
  }

  const evaluate = async ({ name, args }: Command): Promise<unknown> => {
    try {
      const [first = '', ...rest] = args
      const [keys, values] = SCRIPTS[name]?.[0] === undefined ? [first, rest] : [SCRIPTS[name][0], args]
      return await client.evalsha(shas.get(name) ?? '', keys, ...values)
    } catch (error) {
      return firstWord(error)
    }
  }

  /** Runs a sequence on both; `false` where the second changed meanwhile, which is a part of what epochs are made of. */
  const compare = async (seed: number): Promise<boolean> => {
    const random = new Random(SEED, seed)
    await client.replicaof('NO', 'ONE')
    await client.flushall()
    heard.length = 0
    const seconds = await secondsOf(client)
    const sequence = new Sequence(random, seconds, await replidOf(client))
    const announced: string[] = []
    sequence.server.onAnnounce = (_type, name, text) => { announced.push(`${name} ${text}`) }
    const history: string[] = []
    for (let part = 0; part < 6; part++) {
      const commands = Array.from({ length: STEPS / 6 }, () => {
        const command = sequence.next()
        return { command, expected: sequence.execute(command) }
      })
      const answers = await Promise.all(commands.map(({ command }) => evaluate(command)))
      if (await secondsOf(client) !== seconds) return false
      for (const [index, { command, expected }] of commands.entries()) {
        history.push(`${command.name} ${command.args.join(' ')}`)
        const found = comparable(command.name, answers[index])
        const wanted = comparable(command.name, expected)
        differ(found, wanted, `the answer of the last of\n${history.join('\n')}`)
      }
      differ(await storedIn(client), sequence.stored, `what is stored after\n${history.join('\n')}`)
      // Another term: a new server process, or a replica that is promoted.
      if (random.chance(0.3)) {
        await client.replicaof('127.0.0.1', 1)
        sequence.server.role = 'replica'
      } else if (random.chance(0.7)) {
        await client.replicaof('NO', 'ONE')
        await client.call('DEBUG', 'CHANGE-REPL-ID')
        sequence.server.role = 'master'
      }
      sequence.server.replid = await replidOf(client)
      sequence.began()
    }
    // The answer comes after all that was announced before.
    await subscriber.ssubscribe('a:live')
    differ(heard.map(untimed), announced.map(untimed), `what is announced after\n${history.join('\n')}`)
    return true
  }

  const compareSequences = async (t: Test, first: number): Promise<void> => {
    let compared = 0
    for (let number = first; number < first + SEQUENCES; number++) {
      while (!await compare(number));
      compared++
    }
    t.equal(compared, SEQUENCES)
  }

  t.test('answers, stores and announces what the scripts do on a server', async (t) => {
    await load()
    await compareSequences(t, 0)
  })

  t.test('does so, too, where the register has little room', async (t) => {
    const { departed, growth } = limits
    t.teardown(() => { Object.assign(limits, { departed, growth }) })
    Object.assign(limits, { departed: 2, growth: 2 })
    let changes = 0
    const replace = (lua: string, from: string, to: string): string => {
      if (lua.includes(from)) changes++
      return lua.replace(from, to)
    }
    await load((lua) => replace(replace(lua, `first(${departed}, id`, 'first(2, id'), `) + ${growth}\n`, ') + 2\n'))
    t.equal(changes, 6, 'one place in every script of the register, two in JOIN')
    await compareSequences(t, SEQUENCES)
  })
})
