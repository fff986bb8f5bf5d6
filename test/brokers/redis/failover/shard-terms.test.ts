import type { Cluster } from 'ioredis'
import t from 'tap'
import type { Evidence } from '../../../../src/brokers/redis/failover/barrier.js'
import { Marks } from '../../../../src/brokers/redis/failover/marks.js'
import { ShardTerms } from '../../../../src/brokers/redis/failover/shard-terms.js'
import { turn } from '../../../eventually.js'

/** The masters of a cluster, and what is done when they change. */
function create (): { terms: ShardTerms, look: (...masters: string[]) => Promise<string[]> } {
  let masters: string[] = []
  const steps: string[] = []
  const nodes = () => masters.map((name) => ({ info: () => name === 'away' ? Promise.reject(new Error(name)) : Promise.resolve(`master_replid:${name.padEnd(40, '0')}`) }))
  const terms = new ShardTerms({ client: { nodes } as unknown as Cluster }, () => { steps.push('renewed') })
  const evidence: Evidence = {
    marks: new Marks(),
    fence: () => { steps.push('fenced') },
    compare: (term) => Promise.resolve(void steps.push(`compared${term}`)),
    onWait: () => { steps.push('waits') }
  }
  const look = async (...given: string[]): Promise<string[]> => {
    masters = given
    await terms.holds(evidence)
    return steps.splice(0)
  }
  return { terms, look }
}

const ALL = ['fenced', 'compared', 'renewed']

t.test('ShardTerms', async (t) => {
  t.test('compares what was acknowledged, after refusing what is in flight, when a shard is in another term', async (t) => {
    const { look } = create()
    t.strictSame(await look('a1', 'b1'), ALL)
    t.strictSame(await look('b1', 'a1'), [])
    t.strictSame(await look('a2', 'b1'), ALL)
    t.strictSame(await look('a2', 'away'), [], 'a master that is away is in no other term')
  })

  t.test('compares again in a term that it has seen before, when another was in between', async (t) => {
    const { look } = create()
    for (const master of ['a1', 'a2', 'a1', 'a2']) t.strictSame(await look(master), ALL, master)
  })

  t.test('begins no other comparison while one is in progress, and a reconnect waits for that', async (t) => {
    const compares: (() => void)[] = []
    let fences = 0
    let master = 'a1'
    const nodes = () => [{ info: () => Promise.resolve(`master_replid:${master.padEnd(40, '0')}`) }]
    const terms = new ShardTerms({ client: { nodes } as unknown as Cluster }, () => {})
    const evidence: Evidence = {
      marks: new Marks(),
      fence: () => { fences++ },
      compare: () => new Promise((resolve) => { compares.push(resolve) }),
      onWait: () => {}
    }
    const first = terms.holds(evidence)
    await turn()
    t.equal(await terms.holds(evidence), true, 'without a wait')
    t.strictSame([compares.length, fences], [1, 1])
    master = 'a2'
    const passing = terms.pass(evidence)
    await turn()
    t.equal(compares.length, 1)
    compares[0]?.()
    await first
    await turn()
    t.strictSame([compares.length, fences], [2, 2], 'the masters are those after the reconnect')
    compares[1]?.()
    t.equal(await passing, '')
    t.equal(await terms.holds(evidence), true)
    t.equal(compares.length, 2)
  })

  t.test('fails while no master answers', async (t) => {
    const { look } = create()
    await t.rejects(look('away'), { message: 'no master answers' })
  })

  t.test('has no registration that another instance could witness or that ends', async (t) => {
    const { terms } = create()
    await terms.witnessRequested()
    await terms.leave()
    t.end()
  })
})
