import t from 'tap'
import { type Acknowledged, BatchedComparisons } from '../../../../src/brokers/redis/log/batched-comparisons.js'

/** Answers with the channels of the command; a channel named `damaged` fails as in a script. */
const compare = (sent: string[][]) => (term: string, batch: readonly Acknowledged[]): Promise<string[]> => {
  const channels = batch.map(({ channel }) => channel)
  sent.push([term, ...channels])
  return channels.includes('damaged')
    ? Promise.reject(new Error('WRONGTYPE Operation against a key script: abc, on @user_script:1.'))
    : Promise.resolve(channels.map((channel) => `${channel} of ${String(channels.length)}`))
}
const position = { epoch: 'e', offset: 1 }

t.test('Comparisons of one turn share a command, up to the maximum and for each term', async (t) => {
  const sent: string[][] = []
  const comparisons = new BatchedComparisons(2, compare(sent))
  const names = [['a', 't1'], ['b', 't1'], ['c', 't1'], ['d', 't2']] as const
  const answers = await Promise.all(names.map(async ([channel, term]) => await comparisons.ask(channel, position, term)))
  t.strictSame(sent, [['t1', 'a', 'b'], ['t1', 'c'], ['t2', 'd']])
  t.strictSame(answers, ['a of 2', 'b of 2', 'c of 1', 'd of 1'])
  await comparisons.ask('e', position, 't2')
  t.strictSame(sent.at(-1), ['t2', 'e'])
})

t.test('Comparisons that are requested when an answer arrives share the next command', async (t) => {
  const sent: string[][] = []
  const comparisons = new BatchedComparisons(64, compare(sent))
  await Promise.all(['a', 'b'].map(async (channel) => {
    await comparisons.ask(channel, position, 't')
    await comparisons.ask(`${channel}2`, position, 't')
  }))
  t.strictSame(sent, [['t', 'a', 'b'], ['t', 'a2', 'b2']])
})

t.test('A damaged log fails alone', async (t) => {
  const sent: string[][] = []
  const comparisons = new BatchedComparisons(64, compare(sent))
  const answers = await Promise.allSettled(['a', 'damaged', 'b'].map((channel) => comparisons.ask(channel, position, 't')))
  t.match(answers, [{ value: 'a of 1' }, { reason: { message: /WRONGTYPE/ } }, { value: 'b of 1' }])
  t.equal(sent.length, 4)
})

t.test('An error of the server or of the connection is that of every comparison', async (t) => {
  let commands = 0
  const comparisons = new BatchedComparisons<string>(64, () => { commands++; return Promise.reject(new Error('Connection is closed.')) })
  const answers = await Promise.allSettled(['a', 'b'].map((channel) => comparisons.ask(channel, position, 't')))
  t.match(answers, [{ reason: { message: 'Connection is closed.' } }, { reason: { message: 'Connection is closed.' } }])
  t.equal(commands, 1)
})
