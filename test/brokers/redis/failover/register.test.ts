import type { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { type Commands, connect } from '../../../../src/brokers/redis/connection/connection.js'
import { Marks } from '../../../../src/brokers/redis/failover/marks.js'
import { Register } from '../../../../src/brokers/redis/failover/register.js'
import { MAX_DEPARTED, MAX_GROWTH } from '../../../../src/brokers/redis/failover/register-scripts.js'
import { eventually } from '../../../eventually.js'
import { TEST_TIMINGS, uniquePrefix } from '../redis-node.js'
import { type RedisServer, startRedis } from '../redis-server.js'

/** A time that no test takes. */
const NEVER_MS = 20_000

/** An instance as far as the register knows it. */
class Instance {
  readonly client: Redis & Commands
  readonly marks: Marks
  readonly register: Register
  /** The terms that it compared. */
  readonly compared: string[] = []
  /** The reasons for which it waited. */
  readonly waits: string[] = []
  unsafe = 0
  greetings = 0
  /** Called when it wants to be witnessed. */
  onGreet: () => void = () => undefined
  /** Whether the answer of its next JOIN is lost. */
  losesJoin = false
  /** Called when it has compared. */
  onCompare: () => Promise<unknown> = () => Promise.resolve()

  constructor (t: Test, server: RedisServer, key: string, { barrierMs = NEVER_MS, witnessMs = NEVER_MS, maxMarks = 100 } = {}) {
    // WAIT may take as long as the test lets it.
    const client = this.client = connect(server.url, { ...TEST_TIMINGS, commandMs: 2 * NEVER_MS }) as Redis & Commands
    t.teardown(() => { client.disconnect() })
    const join = client.messengerJoin.bind(client)
    client.messengerJoin = async (...args) => {
      const answer = await join(...args)
      if (!this.losesJoin) return answer
      this.losesJoin = false
      throw new Error('the answer is lost')
    }
    this.marks = new Marks(maxMarks)
    this.register = new Register({
      connection: { client },
      key,
      timings: { barrierMs, witnessMs },
      requestWitness: () => { this.greetings++; this.onGreet() },
      onUnsafe: () => { this.unsafe++ }
    })
    this.ready = new Promise((resolve) => { client.once('ready', () => { resolve() }) })
  }

  readonly ready: Promise<void>

  async pass (): Promise<string> {
    await this.ready
    return await this.register.pass({
      marks: this.marks,
      fence () {},
      compare: async (term) => { this.compared.push(term); await this.onCompare() },
      onWait: (reason) => { this.waits.push(reason) }
    })
  }
}

interface Bench {
  redis: Redis
  key: string
  /** An instance; those that there are confirm it. */
  create: (options?: ConstructorParameters<typeof Instance>[3]) => Instance
  /** The content of the register. */
  show: () => Promise<{ term: string | undefined, chain: string | undefined, instances: Record<string, string> }>
  /** Begins another term. */
  change: () => Promise<void>
}

async function createBench (t: Test, server: RedisServer): Promise<Bench> {
  const [redis, key] = [server.connect(t), `${uniquePrefix()}instances`]
  const instances: Instance[] = []
  return {
    redis,
    key,
    create: (options) => {
      const instance = new Instance(t, server, key, options)
      instance.onGreet = () => { for (const other of instances) if (other !== instance) void other.register.witnessRequested() }
      instances.push(instance)
      return instance
    },
    show: async () => {
      const { term, chain, ...rest } = await redis.hgetall(key)
      const entries = Object.entries(rest).filter(([name]) => name.startsWith('i:')).map(([name, entry]) => [name.slice(2), entry])
      return { term, chain, instances: Object.fromEntries(entries) as Record<string, string> }
    },
    change: async () => { await redis.call('DEBUG', 'CHANGE-REPL-ID') }
  }
}

t.test('Register', async (t) => {
  const server = await startRedis(t, { args: ['--enable-debug-command', 'yes'] })

  t.test('a term that every instance has compared is complete: logs of the term before go on', async (t) => {
    const { create, change, show } = await createBench(t, server)
    const [a, b] = [create(), create()]
    const first = await a.pass()
    t.equal(await b.pass(), first)
    t.equal(await b.pass(), first, 'not compared again')
    t.match(b.compared, { length: 1 })
    await change()
    t.strictSame([await a.register.holds(), await b.register.holds()], [false, false])
    const terms = await Promise.all([a.pass(), b.pass()])
    t.not(terms[0], first)
    t.equal(terms[1], terms[0])
    t.match(await show(), { term: terms[0], chain: `${first} ` })
    await change()
    const next = await Promise.all([a.pass(), b.pass()])
    t.match(await show(), { term: next[0], chain: `${terms[0]} ${first} ` })
    t.strictSame([await a.register.holds(), await b.register.holds()], [true, true])
  })

  t.test('an instance waits for the others as long as the limit, then goes on as if something was lost', async (t) => {
    const { create, change, show } = await createBench(t, server)
    const [a, late] = [create({ barrierMs: 60 }), create()]
    await a.pass()
    await late.pass()
    const before = late.register.id
    await change()
    const term = await a.pass()
    t.ok(a.waits.includes('1 other instances have not compared yet'))
    t.match(await show(), { term, chain: '', instances: { [a.register.id]: /^a / } })
    t.notOk(before in (await show()).instances, 'it is taken out')
    t.equal(await late.pass(), term)
    t.not(late.register.id, before, 'and is another instance when it is back')
    t.match(late.compared, [/./, term])
  })

  t.test('what is decided about a term stays, also for an instance that compares later', async (t) => {
    const { create, change, show } = await createBench(t, server)
    const [a, b] = [create({ barrierMs: 60 }), create()]
    const first = await a.pass()
    await b.pass()
    await change()
    await a.pass()
    await b.pass()
    t.match(await show(), { chain: '' })
    await change()
    await Promise.all([a.pass(), b.pass()])
    t.notMatch((await show()).chain, first, 'what was lost once is not made up for')
  })

  t.test('an instance that leaves is removed and not waited for', async (t) => {
    const { create, change, show } = await createBench(t, server)
    const [a, leaver] = [create(), create()]
    const first = await a.pass()
    await leaver.pass()
    await a.register.holds()
    await leaver.register.leave()
    t.strictSame(Object.keys((await show()).instances), [a.register.id])
    await change()
    await a.pass()
    t.match(await show(), { chain: `${first} ` }, 'not even by an instance that knew it')
    t.strictSame(Object.keys((await show()).instances), [a.register.id])
    await create().register.leave()
  })

  for (const [when, looks] of [['before', false], ['after', true]] as const) {
    t.test(`the start and the end of an instance that the server lost make the next term incomplete, ${when} another one saw the end`, async (t) => {
      const { redis, key, create, change, show } = await createBench(t, server)
      const [a, leaver] = [create({ barrierMs: 60 }), create()]
      await a.pass()
      const old = await redis.dumpBuffer(key)
      await leaver.pass()
      await leaver.register.leave()
      if (looks) await a.register.holds()
      await redis.restore(key, 0, old, 'REPLACE')
      await change()
      const term = await a.pass()
      t.match(await show(), { chain: '' })
      await change()
      await a.pass()
      t.match(await show(), { chain: `${term} ` }, 'it counts once')
    })
  }

  t.test('the register keeps its size while instances come and go, and logs go on', async (t) => {
    const { redis, key, create, change, show } = await createBench(t, server)
    const [a, b] = [create(), create()]
    const term = await a.pass()
    await b.pass()
    for (let number = 0; number < MAX_DEPARTED + 10; number++) {
      await b.client.messengerJoin(key, term, '-', `instance${number}`, '-', '-', 0)
      await a.register.holds()
      await b.client.messengerLeave(key, `instance${number}`, term)
    }
    t.equal(Object.keys((await show()).instances).length, 2)
    t.equal((await redis.hget(key, 'departed'))?.trim().split(' ').length, MAX_DEPARTED)
    await change()
    await Promise.all([a.pass(), b.pass()])
    t.match(await show(), { chain: `${term} ` }, 'an instance that knew them writes none back')
  })

  t.test('thousands of instances that crashed in a term end it: another one begins on the same server, without them', async (t) => {
    const { redis, key, create, show } = await createBench(t, server)
    const a = create({ barrierMs: 60 })
    const term = await a.pass()
    const crash = async (count: number, name: string): Promise<void> => {
      await redis.hset(key, new Map(Array.from({ length: count }, (_, number) => [`i:${name}${number}`, `a ${term} ${term} 1`])))
    }
    await crash(MAX_GROWTH + 1, 'crashed')
    await create().pass()
    t.equal((await show()).term, term)
    await redis.hdel(key, 'i:crashed0')
    await crash(2, 'another')
    const b = create()
    const passing = b.pass()
    await eventually(async () => !await a.register.holds(), { message: 'the other one sees it' })
    t.equal(await a.pass(), `${term}#1`)
    t.equal(await passing, `${term}#1`)
    t.match(await show(), { term: `${term}#1`, chain: '' }, 'as if something was lost')
    t.strictSame(Object.keys((await show()).instances).sort(), [a.register.id, b.register.id].sort())
  })

  t.test('an instance that leaves before the term is decided is not waited for', async (t) => {
    const { create, change, show } = await createBench(t, server)
    const [a, b] = [create(), create()]
    const first = await a.pass()
    await b.pass()
    await change()
    const passing = b.pass()
    await eventually(() => b.waits.includes('1 other instances have not compared yet'), { message: 'it waits for the other' })
    await b.register.leave()
    await a.pass()
    await passing
    t.match(await show(), { chain: `${first} ` })
  })

  t.test('an instance that leaves without a comparison with the term is missing in it', async (t) => {
    const { create, change, show } = await createBench(t, server)
    const [a, b] = [create({ barrierMs: 60 }), create()]
    await a.pass()
    await b.pass()
    await change()
    await b.register.leave()
    await a.pass()
    t.match(await show(), { chain: '' })
  })

  t.test('an instance whose entry is not as it left it is another one from then on', async (t) => {
    const { redis, key, create, change, show } = await createBench(t, server)
    const [a, b] = [create(), create()]
    await a.pass()
    await b.pass()
    const before = b.register.id
    await redis.hset(key, `i:${before}`, 'a elsewhere - 1')
    t.equal(await b.register.holds(), false)
    await change()
    await Promise.all([a.pass(), b.pass()])
    t.not(b.register.id, before)
    t.strictSame(Object.keys((await show()).instances).sort(), [a.register.id, b.register.id].sort(), 'and nobody waits for the old one')
  })

  t.test('an instance that no other one has seen decides no term as complete', async (t) => {
    const { create, change, show } = await createBench(t, server)
    const a = create()
    await a.pass()
    await a.register.leave()
    await change()
    await create().pass()
    t.match(await show(), { chain: '' })
  })

  t.test('an instance that could not keep all its marks makes the next term incomplete, or the present one begin anew', async (t) => {
    const { create, change, show } = await createBench(t, server)
    const [a, b] = [create({ maxMarks: 1 }), create()]
    await a.pass()
    await b.pass()
    for (const channel of ['x', 'y']) a.marks.set(channel, { epoch: 'e', offset: 1 })
    await change()
    const terms = await Promise.all([a.pass(), b.pass()])
    t.match(await show(), { term: terms[0], chain: '' })
    t.equal(terms[1], terms[0])
  })

  t.test('an instance that could not keep all its marks begins one term on a server, also when others decide without it', async (t) => {
    const { redis, key, create, change, show } = await createBench(t, server)
    const [a, slow] = [create({ barrierMs: 60, witnessMs: 30 }), create({ barrierMs: 60, witnessMs: 30, maxMarks: 1 })]
    await a.pass()
    await slow.pass()
    for (const channel of ['x', 'y']) slow.marks.set(channel, { epoch: 'e', offset: 1 })
    await change()
    const term = await a.pass()
    slow.onCompare = async () => { await a.pass() }
    t.equal(await slow.pass(), `${term}#1`)
    t.strictSame(slow.compared.slice(1), [term, `${term}#1`])
    t.equal((await show()).term, `${term}#1`)
    slow.onCompare = () => Promise.resolve()
    await change()
    await Promise.all([a.pass(), slow.pass()])
    t.match(await show(), { chain: '' }, 'another server is told, too')
    // More is acknowledged under this admission.
    const current = await redis.hget(key, 'term')
    await redis.hdel(key, `i:${slow.register.id}`)
    t.equal(await slow.pass(), `${current}#1`)
  })

  t.test('a branch that the register has lost begins a term of its own on the same server, and all compare again', async (t) => {
    const { redis, key, create, change, show } = await createBench(t, server)
    const [away, other] = [create({ witnessMs: 30 }), create()]
    await away.pass()
    await other.pass()
    const old = await redis.dumpBuffer(key)
    await change()
    const [lost] = await Promise.all([away.pass(), other.pass()])
    await change()
    await redis.restore(key, 0, old, 'REPLACE')
    const stranger = create({ barrierMs: 30, witnessMs: 30 })
    const term = await stranger.pass()
    t.match(await show(), { term, chain: '' })
    // It was admitted to a term that the register does not know of: what it acknowledged there may be lost, whatever it compared.
    t.match(await redis.hget(key, 'terms'), new RegExp(`^(?!.*${lost})`))
    const passing = away.pass()
    await eventually(async () => !await stranger.register.holds(), { message: 'the stranger sees it' })
    t.equal(await stranger.pass(), `${term}#1`)
    t.equal(await passing, `${term}#1`)
    t.match(await show(), { term: `${term}#1`, chain: '' })
    t.match(stranger.compared, [term, `${term}#1`])
    t.match(await redis.hget(key, 'terms'), new RegExp(lost))
  })

  t.test('an instance compares anew when another term begins while it compares', async (t) => {
    const { create, change, show } = await createBench(t, server)
    const a = create()
    await a.pass()
    await change()
    a.onCompare = async () => { a.onCompare = () => Promise.resolve(); await change() }
    const term = await a.pass()
    t.equal(a.compared.length, 3)
    t.match(await show(), { term })
  })

  t.test('an instance compares anew when another term begins while it waits for others', async (t) => {
    const { create, change } = await createBench(t, server)
    const [a, b] = [create(), create()]
    await a.pass()
    await b.pass()
    await change()
    const passing = a.pass()
    await eventually(() => a.waits.length > 0, { message: 'it waits' })
    await change()
    await eventually(() => a.compared.length === 3, { message: 'it compares' })
    t.equal(await b.pass(), await passing)
  })

  t.test('registrations that the server lost are written back by an instance that knows of them', async (t) => {
    const { redis, key, create, change, show } = await createBench(t, server)
    const [a, b] = [create(), create()]
    await a.pass()
    await b.pass()
    await a.register.holds()
    await redis.del(key)
    await change()
    const passing = a.pass()
    await eventually(() => a.waits.includes('1 other instances have not compared yet'), { message: 'it waits for the other' })
    t.match((await show()).instances[b.register.id], /^a - - 1$/)
    await b.pass()
    await passing
    t.match(await show(), { chain: '' }, 'without the term before, no log goes on')
  })

  t.test('an instance that a decided term has removed is not written back by a late one', async (t) => {
    const { create, change, show } = await createBench(t, server)
    const [a, late, crashed] = [create({ barrierMs: 60 }), create({ barrierMs: 60 }), create()]
    for (const instance of [a, late, crashed]) await instance.pass()
    await late.register.holds()
    await change()
    const term = await a.pass()
    t.equal(await late.pass(), term)
    t.notOk(crashed.register.id in (await show()).instances)
    await change()
    await Promise.all([a.pass(), late.pass()])
    t.match(await show(), { chain: `${term} ` }, 'nobody was missing')
  })

  t.test('an instance that has no answer to its registration has one registration, not two', async (t) => {
    const { create, change, show } = await createBench(t, server)
    const [a, b] = [create(), create()]
    const first = await a.pass()
    b.losesJoin = true
    await t.rejects(b.pass(), { message: 'the answer is lost' })
    await b.pass()
    t.strictSame(Object.keys((await show()).instances).sort(), [a.register.id, b.register.id].sort())
    await change()
    await Promise.all([a.pass(), b.pass()])
    t.match(await show(), { chain: `${first} ` }, 'nobody was missing')
  })

  t.test('an instance that has no answer to a later registration keeps its place, and logs go on', async (t) => {
    const { create, change, show } = await createBench(t, server)
    const a = create()
    const first = await a.pass()
    const { id } = a.register
    await change()
    a.losesJoin = true
    await t.rejects(a.pass(), { message: 'the answer is lost' })
    const second = await a.pass()
    t.equal(a.register.id, id)
    t.match(await show(), { term: second, chain: `${first} ` })
    a.losesJoin = true
    await change()
    await t.rejects(a.pass(), { message: 'the answer is lost' })
    await change()
    await a.pass()
    t.match(await show(), { chain: `${second} ` }, 'the term between was never decided')
    t.equal(a.register.id, id)
  })

  t.test('an instance passes without thousands of others that are missing', async (t) => {
    const { redis, key, create, show } = await createBench(t, server)
    const missing = Array.from({ length: 9_000 }, (_, number): [string, string] => [`i:crashed${number}`, 'a - - 1'])
    await redis.hset(key, Object.fromEntries(missing))
    const a = create({ barrierMs: 60, witnessMs: 30 })
    await a.pass()
    t.strictSame(Object.keys((await show()).instances), [a.register.id])
    t.ok(a.waits.includes('9000 other instances have not compared yet'))
  })

  t.test('the first instance is safe at once: without it there is no register', async (t) => {
    const { create, show } = await createBench(t, server)
    const a = create()
    await a.pass()
    t.match([a.register.safe, a.greetings, a.unsafe], [true, 0, 0])
    t.match((await show()).instances[a.register.id], / 1$/)
  })

  t.test('a later one is safe once a safe one knows of it', async (t) => {
    const { create, show } = await createBench(t, server)
    const [a, b] = [create(), create()]
    await a.pass()
    await b.pass()
    t.match([b.register.safe, b.greetings, b.unsafe], [true, 1, 0])
    t.ok(b.waits.includes('no other instance has confirmed the registration'))
    t.match((await show()).instances[b.register.id], / 1$/)
  })

  t.test('an instance without confirmation goes on after a time, and reports that it is unsafe', async (t) => {
    const { create } = await createBench(t, server)
    const [a, b] = [create(), create({ witnessMs: 40 })]
    await a.pass()
    b.onGreet = () => undefined
    await b.pass()
    t.match([b.register.safe, b.unsafe], [false, 1])
    await a.register.holds()
    await b.register.holds()
    t.equal(b.register.safe, true, 'and is confirmed with the next check of another one')
  })

  t.test('the replicas of another server than that of the term confirm nothing', async (t) => {
    const { create } = await createBench(t, server)
    const [a, b] = [create(), create({ witnessMs: 40 })]
    await a.pass()
    b.onGreet = () => undefined
    const replica = 'slave0:ip=127.0.0.1,port=1,state=online,offset=9,lag=0'
    b.client.info = () => Promise.resolve(`role:master\r\nconnected_slaves:1\r\n${replica}\r\nmaster_replid:${'0'.repeat(40)}\r\nmaster_repl_offset:9\r\n`)
    await b.pass()
    t.match([b.register.safe, b.unsafe], [false, 1])
  })

  t.test('an instance that is not safe confirms none', async (t) => {
    const { redis, key, create } = await createBench(t, server)
    const [a, b] = [create(), create({ witnessMs: 40 })]
    await a.pass()
    await redis.hset(key, 'deleted', '1')
    const entry = await redis.hget(key, `i:${a.register.id}`)
    await redis.hset(key, `i:${a.register.id}`, entry?.replace(/1$/, '0') ?? '')
    await b.pass()
    t.match([b.register.safe, b.unsafe], [false, 1])
  })

  t.test('a server whose data are of another layout is refused in one line that says what to do', async (t) => {
    const { redis, key, create } = await createBench(t, server)
    await redis.hset(key, 'layout', '1')
    await t.rejects(create().pass(), { message: /^LAYOUT 1 is that of another version of fastify-messenger, and this one has 2: use another key prefix or the same version\b[^\n]*$/ })
  })

  t.test('what is acknowledged under an earlier admission, after another master was compared, counts as not compared there', async (t) => {
    const calls: unknown[][] = []
    let view: unknown[] = []
    let decision: Promise<unknown> = Promise.resolve(['decided', 1])
    const client = {
      messengerLook: () => Promise.resolve(view),
      messengerJoin: (_key: string, term: string, id: string, fresh: string, compared: string, admitted: string) => {
        calls.push([term, id, compared, admitted])
        const own = id === '-' ? fresh : id
        view = [term, 1, own, term, '1']
        return Promise.resolve(['joined', own])
      },
      messengerDecide: () => decision,
      messengerLeave: (_key: string, _id: string, term: string) => Promise.resolve(calls.push([term]))
    } as unknown as Commands
    const timings = { barrierMs: 1, witnessMs: 1 }
    const register = new Register({ connection: { client }, key: 'key', timings, requestWitness: () => {}, onUnsafe: () => {} })
    const evidence = { marks: new Marks(), fence () {}, compare: () => Promise.resolve(), onWait () {} }
    const pass = async (): Promise<string> => await register.pass(evidence)
    const at = (term: string, compared: string): void => { view = [term, compared === 'new' ? 1 : 0, register.id, compared, '1'] }
    view = ['old', 0]
    t.equal(await pass(), 'old')
    const { id } = register
    at('new', 'old')
    decision = Promise.reject(new Error('cut'))
    await t.rejects(pass(), { message: 'cut' })
    view = ['old', 1, id, 'old', '1']
    t.equal(await pass(), 'old', 'it resumes without a comparison')
    t.strictSame(calls.splice(0), [['old', '-', '-', '-'], ['new', id, 'old', 'old']])
    at('new', 'new')
    await register.leave()
    decision = Promise.resolve(['decided', 1])
    t.equal(await pass(), 'new')
    t.match(calls, [['old'], ['old'], ['new', id, 'old', 'old']], 'it is not the one that has compared')
  })

  t.test('an answer that no version of a script gives is refused', async (t) => {
    const client = { messengerLook: () => Promise.resolve('nonsense') } as unknown as Commands
    const register = new Register({ connection: { client }, key: 'key', timings: { barrierMs: 1, witnessMs: 1 }, requestWitness: () => {}, onUnsafe: () => {} })
    await t.rejects(register.pass({ marks: new Marks(), fence () {}, compare: () => Promise.resolve(), onWait () {} }), { message: 'an unexpected answer of a script' })
    await register.witnessRequested()
    await register.leave()
  })

  t.test('keeps sixteen terms and what it needs to know of sixty-four', async (t) => {
    const { redis, key, create, change } = await createBench(t, server)
    const a = create()
    for (let number = 0; number < 70; number++) {
      await a.pass()
      await change()
    }
    const [chain, terms] = await redis.hmget(key, 'chain', 'terms')
    t.equal(chain?.trim().split(' ').length, 16)
    t.equal(terms?.trim().split(' ').length, 64)
    t.ok(terms?.includes(chain?.slice(0, 12) ?? '-'))
  })
})

t.test('Register with replicas', async (t) => {
  t.test('an instance is safe once every replica has its registration, without another one', async (t) => {
    const server = await startRedis(t, { tcp: true, args: ['--repl-diskless-sync-delay', '0', '--enable-debug-command', 'yes'] })
    const replica = await startRedis(t, { tcp: true, args: ['--replicaof', '127.0.0.1', String(server.port)] })
    const { redis, key, create } = await createBench(t, server)
    await eventually(async () => (await redis.info('replication')).includes('state=online'), { message: 'a replica' })
    const [a, b] = [create(), create()]
    await a.pass()
    b.onGreet = () => undefined
    await b.pass()
    t.match([b.register.safe, b.unsafe], [true, 0])
    t.match(await replica.connect(t).hget(key, `i:${b.register.id}`), /^a /)

    replica.pause()
    const c = create({ witnessMs: 100 })
    c.onGreet = () => undefined
    await c.pass()
    t.match([c.register.safe, c.unsafe], [false, 1], 'one that stands still confirms nothing')
    replica.resume()
  })

  t.test('a connection that is newer than the registration proves nothing about it', async (t) => {
    const server = await startRedis(t, { tcp: true, args: ['--repl-diskless-sync-delay', '0'] })
    const replica = await startRedis(t, { tcp: true, args: ['--replicaof', '127.0.0.1', String(server.port)] })
    const { redis, create } = await createBench(t, server)
    await eventually(async () => (await redis.info('replication')).includes('state=online'), { message: 'a replica' })
    const [a, b] = [create(), create({ witnessMs: 100 })]
    await a.pass()
    replica.pause()
    b.onGreet = () => undefined
    // From Redis 7.2 on WAIT answers so on a connection that has written nothing.
    b.client.wait = () => Promise.resolve(1)
    await b.pass()
    t.match([b.register.safe, b.unsafe], [false, 1])
    replica.resume()
  })
})

