import t from 'tap'
import { commandOf, readOptions } from '../../faults/options.mjs'

t.test('the command line of the fault harness', async (t) => {
  t.test('draws other seeds each time unless some are given', async (t) => {
    const [first, second] = [readOptions([], {}), readOptions([], {})]
    t.equal(first.seeds.length, 3)
    t.equal(new Set([...first.seeds, ...second.seeds]).size, 6)
    t.equal(readOptions(['--runs', '10'], {}).seeds.length, 10)
    t.strictSame(readOptions(['--seeds', '12,13'], {}).seeds, ['12', '13'])
    t.strictSame(readOptions([], { SEED: '12' }).seeds, ['12'])
  })

  t.test('is repeated by the command that it prints for a seed', async (t) => {
    const commands = [[], ['--redis'], ['--sentinel'], ['--cluster', '--min-replicas', '--busy'], ['--sentinel', '--instances', '3', '--messages', '100'], ['--redis', '--only', 'kill,term']]
    for (const args of commands) {
      const options = readOptions([...args, '--seeds', '7'], {})
      const command = commandOf(options, '7')
      const [start, again] = command.split(' -- ')
      t.equal(start, 'npm run faults')
      t.strictSame(readOptions(again?.split(' ') ?? [], {}), options, command)
    }
    t.match(commandOf(readOptions(['--sentinel'], { MESSAGES: '300' }), '12'), '--seeds 12 --sentinel --messages 300')
  })

  t.test('names what does not go together', async (t) => {
    t.throws(() => readOptions(['--redis', '--cluster'], {}), /--redis and --cluster exclude each other/)
    t.throws(() => readOptions(['--instances', '2'], {}), /needs --redis/)
    t.throws(() => readOptions(['--redis', '--min-replicas'], {}), /needs --sentinel or --cluster/)
    t.throws(() => readOptions(['--messages', '0'], {}), /--messages must be a number above 0/)
  })
})
