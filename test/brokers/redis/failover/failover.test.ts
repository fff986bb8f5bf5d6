import t from 'tap'
import type { Barrier, Evidence } from '../../../../src/brokers/redis/failover/barrier.js'
import { Failover } from '../../../../src/brokers/redis/failover/failover.js'
import { rejectionOf } from '../../../../src/brokers/redis/connection/refusal.js'
import type { Position } from '../../../../src/wire/id.js'
import { thrown } from '../../../codes.js'
import { turn } from '../../../eventually.js'

const at = (offset: number, epoch = 'e'): Position => ({ epoch, offset })
const damage = (): Error => new Error('WRONGTYPE Operation against a key holding the wrong kind of value script: f, on @user_script:1.')

/** A failover whose barrier lets it pass when the test says so. */
class Bench implements Barrier {
  term = 'one'
  /** The result of `holds`. */
  holding: boolean | Error = true
  /** Called during `pass`. */
  passing: ((evidence: Evidence) => Promise<void>) | undefined
  /** Takes the place of `pass`; resolves with the term of the admission. */
  resumes: ((evidence: Evidence) => Promise<string>) | undefined
  /** Called during `holds`. */
  checking: ((evidence: Evidence) => void) | undefined
  /** The error with which the preparation rejects. */
  refusal: Error | undefined
  /** Where logs stand that have not what is verified; an error where they cannot be asked. */
  readonly lost = new Map<string, Position | Error>()
  readonly verified: string[] = []
  /** The epoch under which the logs go on. */
  carriedOver: string | undefined
  /** States and reasons, in the order in which they were told of. */
  readonly changes: string[] = []
  passes = 0
  readonly failover: Failover = new Failover({
    barrier: this,
    verify: async (channel, { epoch, offset }, term) => {
      this.verified.push(`${channel} ${epoch}:${offset} in ${term === '' ? 'a cluster' : term}`)
      await turn()
      const answer = this.lost.get(channel)
      if (answer instanceof Error) throw answer
      return { present: answer === undefined, current: answer ?? at(offset, this.carriedOver ?? epoch) }
    },
    prepare: async () => { await turn(); if (this.refusal !== undefined) throw this.refusal },
    onChange: ({ state, from }) => {
      const { reason } = this.failover.status
      this.changes.push(`${from} > ${state}${reason && `: ${reason}`}`)
    }
  })

  async pass (evidence: Evidence): Promise<string> {
    this.passes++
    if (this.resumes !== undefined) return await this.resumes(evidence)
    await this.passing?.(evidence)
    await evidence.compare(this.term)
    return this.term
  }

  holds (evidence: Evidence): Promise<boolean> {
    this.checking?.(evidence)
    return this.holding instanceof Error ? Promise.reject(this.holding) : Promise.resolve(this.holding)
  }

  witnessRequested (): Promise<void> {
    return Promise.resolve()
  }

  leave (): Promise<void> {
    return Promise.resolve()
  }

  /** Loses the connection, which is there again at once, in a term of that name. */
  async follow (term = this.term): Promise<void> {
    this.term = term
    this.failover.lost('cut')
    this.failover.connected()
    await this.failover.verify()
  }

  acknowledge (channel: string, position: Position): void {
    this.failover.acknowledge(this.failover.admission, channel, position)
  }
}

async function ready (): Promise<Bench> {
  const bench = new Bench()
  bench.failover.connected()
  await bench.failover.verify()
  bench.changes.length = 0
  return bench
}

t.test('Failover, by state', async (t) => {
  t.test('away: there is no admission, and what was suspected or verified changes nothing', async (t) => {
    const { failover, changes } = new Bench()
    t.match(failover, { state: 'away', status: { reason: 'not connected yet' } })
    t.equal(thrown(() => failover.admission), 'MSG_ERR_ENGINE_UNAVAILABLE')
    await t.rejects(failover.verify(), { message: 'not connected yet' })
    await failover.check()
    t.equal(failover.state, 'away')
    t.strictSame(changes, [])
  })

  t.test('away > verifying when the connections are usable; another reason of being away is told', async (t) => {
    const { failover, changes } = new Bench()
    failover.lost('ECONNREFUSED')
    failover.lost('ECONNREFUSED')
    failover.lost('WRONGPASS')
    failover.connected()
    t.strictSame(changes, ['away > away: ECONNREFUSED', 'away > away: WRONGPASS', 'away > verifying: comparing with what was acknowledged'])
  })

  t.test('verifying > ready when the barrier is passed and all is prepared', async (t) => {
    const bench = new Bench()
    bench.failover.connected()
    bench.passing = ({ onWait }) => { onWait('1 is missing'); return Promise.resolve() }
    await Promise.all([bench.failover.verify(), bench.failover.verify()])
    t.equal(bench.passes, 1, 'once at a time')
    t.strictSame(bench.changes.slice(1), ['verifying > verifying: 1 is missing', 'verifying > ready'])
    t.match(bench.failover, { state: 'ready', status: { ready: true, reason: '' }, admission: { term: 'one' } })
    await bench.failover.verify()
    t.equal(bench.passes, 1, 'not again while it is ready')
  })

  t.test('verifying > verifying when something fails, with the reason; the next round tries again', async (t) => {
    const bench = new Bench()
    bench.failover.connected()
    bench.refusal = new Error('NOPERM')
    await t.rejects(bench.failover.verify(), { message: 'NOPERM' })
    t.match(bench.failover, { state: 'verifying', status: { reason: 'NOPERM' } })
    bench.refusal = undefined
    await bench.failover.verify()
    t.equal(bench.failover.state, 'ready')
  })

  t.test('verifying > away when a connection is lost, also when that is back before the barrier is passed', async (t) => {
    const bench = new Bench()
    bench.failover.connected()
    bench.passing = () => { bench.failover.lost('cut'); return Promise.resolve() }
    await t.rejects(bench.failover.verify(), { message: 'cut' })
    t.match(bench.failover, { state: 'away', status: { reason: 'cut' } })
    bench.passing = ({ onWait }) => { onWait('said while it is away'); return Promise.resolve() }
    await t.rejects(bench.failover.verify(), { message: 'cut' })
    t.equal(bench.failover.status.reason, 'cut')
  })

  t.test('verifying > away > verifying: what was found out on the connections before is not used', async (t) => {
    const bench = new Bench()
    bench.failover.connected()
    bench.passing = () => { bench.failover.lost('cut'); bench.failover.connected(); return Promise.resolve() }
    await t.rejects(bench.failover.verify(), { message: 'the connection was made again meanwhile' })
    t.equal(bench.failover.state, 'verifying')
    bench.passing = undefined
    await bench.failover.verify()
    t.equal(bench.passes, 2)
    t.equal(bench.failover.state, 'ready')
  })

  t.test('ready > away when a connection is lost; the admission ends', async (t) => {
    const bench = await ready()
    const { admission } = bench.failover
    bench.failover.lost('cut')
    t.equal(thrown(() => bench.failover.admission), 'MSG_ERR_ENGINE_UNAVAILABLE')
    bench.failover.suspect(admission)
    t.strictSame(bench.changes, ['ready > away: cut'])
  })

  t.test('ready > verifying when another term is seen, by an answer or by the check; the admission ends', async (t) => {
    const bench = await ready()
    bench.failover.suspect(bench.failover.admission)
    t.equal(bench.failover.state, 'verifying')
    await bench.failover.verify()
    bench.holding = false
    await bench.failover.check()
    t.equal(bench.failover.state, 'verifying')
    t.equal(thrown(() => bench.failover.admission), 'MSG_ERR_ENGINE_UNAVAILABLE')
  })

  t.test('ready > ready when the check finds the same term, or cannot ask', async (t) => {
    const bench = await ready()
    await bench.failover.check()
    bench.holding = new Error('cut')
    await t.rejects(bench.failover.check(), { message: 'cut' })
    t.strictSame(bench.changes, [])
  })

  t.test('a suspicion that is older than the admission does not end it', async (t) => {
    const bench = await ready()
    const { admission } = bench.failover
    await bench.follow()
    bench.failover.suspect(admission)
    t.equal(bench.failover.state, 'ready')
  })

  t.test('any > closed, for good', async (t) => {
    const bench = await ready()
    bench.failover.close()
    bench.failover.lost('cut')
    bench.failover.connected()
    t.strictSame(bench.changes, ['ready > closed: closed'])
    t.equal(thrown(() => bench.failover.admission), 'MSG_ERR_ENGINE_UNAVAILABLE')
    await t.rejects(bench.failover.verify(), { message: 'closed' })
  })

  t.test('closing while the barrier is asked is not undone by its answer', async (t) => {
    const bench = new Bench()
    bench.failover.connected()
    const verifying = rejectionOf(bench.failover.verify())
    bench.failover.close()
    t.match(await verifying, { message: 'closed' })
    t.equal(bench.failover.state, 'closed')
  })
})

t.test('An acknowledgement', async (t) => {
  t.test('is given under the admission under which the message was sent, and leaves a mark', async (t) => {
    const bench = await ready()
    bench.acknowledge('room', at(1))
    bench.acknowledge('room', at(2))
    t.strictSame([...bench.failover.marks], [['room', at(2)]])
  })

  t.test('is refused once the admission has ended, also in the same term, and leaves no mark', async (t) => {
    const bench = await ready()
    const { admission } = bench.failover
    for (const end of [() => { bench.failover.lost('cut') }, () => { bench.failover.suspect(admission) }]) {
      end()
      t.equal(thrown(() => { bench.failover.acknowledge(admission, 'room', at(1)) }), 'MSG_ERR_ENGINE_UNAVAILABLE')
    }
    await bench.follow()
    t.equal(bench.failover.admission.term, admission.term)
    t.equal(thrown(() => { bench.failover.acknowledge(admission, 'room', at(1)) }), 'MSG_ERR_ENGINE_UNAVAILABLE')
    t.equal(bench.failover.marks.size, 0)
  })

  t.test('is refused when a barrier refuses what is in flight, and given for what is sent afterwards', async (t) => {
    const bench = await ready()
    const { admission } = bench.failover
    await bench.failover.check()
    t.equal(bench.failover.admission, admission)
    bench.checking = ({ fence }) => { fence() }
    await bench.failover.check()
    t.equal(thrown(() => { bench.failover.acknowledge(admission, 'room', at(1)) }), 'MSG_ERR_ENGINE_UNAVAILABLE')
    bench.acknowledge('room', at(2))
    t.strictSame([...bench.failover.marks], [['room', at(2)]])
    t.strictSame(bench.changes, [], 'ready all the time')
  })

  t.test('is refused from the moment on at which logs are compared: what is under way would be missing there', async (t) => {
    const bench = await ready()
    const { admission } = bench.failover
    bench.holding = false
    let compared = false
    bench.passing = () => {
      t.equal(thrown(() => { bench.failover.acknowledge(admission, 'room', at(1)) }), 'MSG_ERR_ENGINE_UNAVAILABLE')
      compared = true
      return Promise.resolve()
    }
    await bench.failover.check()
    await bench.failover.verify()
    t.equal(compared, true)
  })
})

t.test('What was acknowledged', async (t) => {
  t.test('is compared with each term that follows, and let go of when the next one is entered', async (t) => {
    const bench = await ready()
    bench.acknowledge('a', at(3))
    bench.acknowledge('b', at(1))
    await bench.follow('two')
    t.strictSame(bench.verified, ['a e:3 in two', 'b e:1 in two'])
    t.equal(bench.failover.marks.size, 0)
    await bench.follow('three')
    t.equal(bench.verified.length, 2)
  })

  t.test('stays while the term does: the connection alone was lost', async (t) => {
    const bench = await ready()
    bench.acknowledge('a', at(3))
    await bench.follow()
    t.strictSame([...bench.failover.marks], [['a', at(3)]])
  })

  t.test('that is lost is announced once; later terms are compared with where the log stood then', async (t) => {
    const bench = await ready()
    bench.acknowledge('a', at(3))
    bench.lost.set('a', at(2, 'f'))
    bench.refusal = new Error('cut')
    await t.rejects(bench.follow('two'), { message: 'cut' })
    t.strictSame(bench.verified.splice(0), ['a e:3 in two'])
    bench.lost.clear()
    bench.refusal = undefined
    await bench.follow('three')
    t.strictSame(bench.verified, ['a f:2 in three'])
  })

  t.test('that is lost is announced again where the announcement is lost, and not once a later term has it', async (t) => {
    const bench = await ready()
    bench.acknowledge('a', at(3))
    bench.lost.set('a', at(2, 'f'))
    await bench.follow('two')
    t.equal(bench.failover.state, 'ready')
    bench.acknowledge('a', at(3, 'f'))
    bench.lost.set('a', at(1, 'g'))
    await bench.follow('three')
    t.strictSame(bench.verified.splice(0), ['a e:3 in two', 'a f:3 in three'])
    bench.lost.clear()
    bench.failover.lost('cut')
    bench.failover.connected()
    await bench.failover.verify()
    t.strictSame(bench.verified.splice(0), ['a g:1 in three'], 'also when the term is the same')
    await bench.follow('four')
    t.strictSame(bench.verified.splice(0), ['a g:1 in four'])
    await bench.follow('five')
    t.strictSame(bench.verified, [])
  })

  t.test('that is lost is announced by a comparison that another admission ended, and compared again once that is over', async (t) => {
    const bench = await ready()
    bench.acknowledge('b', at(7))
    bench.acknowledge('b', at(8, 'f'))
    bench.acknowledge('a', at(3))
    bench.lost.set('a', at(2, 'f'))
    bench.resumes = async (evidence) => {
      await evidence.compare('two')
      return 'one'
    }
    // The way to the new master is lost before it has decided; the former one goes on in its term, without the announcement.
    await bench.follow('two')
    t.equal(bench.failover.admission.term, 'one')
    bench.lost.clear()
    bench.resumes = undefined
    await bench.follow('three')
    t.strictSame(bench.verified.splice(0), [
      'b e:7 in two', 'b f:8 in two', 'a e:3 in two',
      'b e:7 in three', 'a f:2 in three', 'b f:8 in three'
    ], 'also a position that was not compared in the former term yet')
    await bench.follow('four')
    t.strictSame(bench.verified, [], 'that term has it')
  })

  t.test('that is lost in a log which was damaged is announced again, too, where the announcement is lost', async (t) => {
    const bench = await ready()
    bench.acknowledge('a', at(1))
    bench.lost.set('a', damage())
    await bench.follow('two')
    bench.lost.set('a', at(1, 'f'))
    await bench.failover.check()
    await bench.follow('three')
    t.equal(bench.verified.at(-1), 'a f:1 in three')
  })

  t.test('keeps an instance out of a term with whose logs it could not be compared', async (t) => {
    const bench = await ready()
    for (const channel of ['a', 'b', 'c']) bench.acknowledge(channel, at(1))
    bench.lost.set('b', new Error('cut'))
    await t.rejects(bench.follow('two'), { message: 'cut' })
    t.strictSame(bench.verified, ['a e:1 in two', 'b e:1 in two', 'c e:1 in two'])
    bench.lost.clear()
    bench.verified.length = 0
    await bench.failover.verify()
    t.ok(bench.verified.includes('b e:1 in two'))
    t.equal(bench.failover.state, 'ready')
  })

  t.test('is compared once in a term, however often the rest of it fails', async (t) => {
    const bench = await ready()
    for (const channel of ['a', 'b', 'c']) bench.acknowledge(channel, at(1))
    bench.lost.set('b', new Error('Command timed out'))
    await t.rejects(bench.follow('two'), { message: 'Command timed out' })
    bench.lost.delete('b')
    bench.refusal = new Error('NOPERM')
    bench.verified.length = 0
    await t.rejects(bench.failover.verify(), { message: 'NOPERM' })
    t.strictSame(bench.verified, ['b e:1 in two'])
    bench.refusal = undefined
    await bench.failover.verify()
    t.strictSame(bench.verified, ['b e:1 in two'])
    t.equal(bench.failover.state, 'ready')
  })

  t.test('is compared again in each term that begins before the comparison is over, also in an earlier one', async (t) => {
    const bench = await ready()
    bench.acknowledge('a', at(1))
    bench.refusal = new Error('NOPERM')
    for (const term of ['two', 'three', 'two']) await t.rejects(bench.follow(term), { message: 'NOPERM' })
    t.strictSame(bench.verified, ['a e:1 in two', 'a e:1 in three', 'a e:1 in two'])
  })

  t.test('in a log that others have damaged keeps no instance out; it is compared when the log is repaired', async (t) => {
    const bench = await ready()
    for (const channel of ['a', 'b']) bench.acknowledge(channel, at(1))
    bench.lost.set('a', damage())
    await bench.follow('two')
    t.equal(bench.failover.state, 'ready')
    bench.verified.length = 0
    await bench.failover.check()
    bench.lost.clear()
    await bench.failover.check()
    await bench.failover.check()
    t.strictSame(bench.verified, ['a e:1 in two', 'a e:1 in two'])
  })

  t.test('that is lost in a cluster is announced once: the log has a gap in every other term', async (t) => {
    const bench = await ready()
    await bench.follow('')
    bench.acknowledge('a', at(1))
    bench.lost.set('a', at(1, 'f'))
    await bench.follow('')
    t.strictSame(bench.verified.splice(0), ['a e:1 in a cluster'])
    await bench.follow('')
    t.strictSame(bench.verified, [])
  })

  t.test('is compared in a cluster as long as the log goes on in its epoch: another one begins behind a gap', async (t) => {
    const bench = await ready()
    await bench.follow('')
    bench.acknowledge('a', at(1))
    await bench.follow('')
    t.equal(bench.failover.marks.size, 1)
    bench.carriedOver = 'f'
    await bench.follow('')
    t.match(bench.verified, { length: 2 })
    t.equal(bench.failover.marks.size, 0)
  })

  t.test('does not keep the logs of other masters of a cluster waiting; it is compared when it can be', async (t) => {
    const bench = await ready()
    bench.term = ''
    await bench.follow('')
    bench.acknowledge('a', at(1))
    bench.lost.set('a', new Error('cut'))
    await bench.follow('')
    t.equal(bench.failover.state, 'ready')
    bench.lost.clear()
    bench.verified.length = 0
    await bench.failover.check()
    t.strictSame(bench.verified, ['a e:1 in a cluster'])
    await bench.failover.check()
    t.equal(bench.verified.length, 1, 'once')
  })

  t.test('under an epoch that the log has left without a comparison is compared with the next check', async (t) => {
    const bench = await ready()
    bench.acknowledge('a', at(5, 'e'))
    bench.acknowledge('a', at(6, 'f'))
    await bench.failover.check()
    t.strictSame(bench.verified, ['a e:5 in one'])
    t.strictSame([...bench.failover.marks], [['a', at(6, 'f')]])
  })
})
