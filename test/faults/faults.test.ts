import t, { type Test } from 'tap'
import { resultOf, runProgram } from './run-faults.js'

const ARGUMENTS = ['--seeds', '1', '--messages', '1500', '--subscribers', '5', '--publishers', '4', '--faults', '20', '--seconds', '8', '--settle', '30', '--json']

async function runFaults (t: Test, args: string[]): Promise<{ code: number | null, output: string }> {
  return await runProgram(t, ['faults/run.mjs', ...args])
}

t.test('the service under faults', async (t) => {
  t.test('loses nothing silently and hands over nothing twice while connections, processes and publishers fail', async (t) => {
    const { code, output } = await runFaults(t, ARGUMENTS)
    t.equal(code, 0, output)
    const { ok, seeds: [result] } = resultOf(output)
    if (result === undefined) throw new Error(output)
    t.match(result, { lost: 0, duplicated: 0, violations: 0 })
    t.equal(ok, true)
    t.ok(result.acknowledged >= 1_500, 'every message was acknowledged')
    t.ok(result.deliveries > result.acknowledged, 'messages reached several subscribers')
    t.ok(result.reconnects > 10, 'connections were lost')
    t.equal(result.shared, 7, 'there were connections of 1, 4 and 30 channels on WebSockets, event streams and streams of lines')
    t.ok(result.frames.channels > 10, 'they changed their channels')
    t.ok(result.frames.tokens > 0, 'they replaced their tokens')
    t.ok(result.restarts >= 2, 'the service was restarted')
    t.ok((result.gaps['epoch'] ?? 0) > 0, 'gaps were announced')
    t.equal(Object.keys(result.faults).length, 14, 'every kind of fault happened')
  })

  t.test('meets with the same faults when the seed is the same', async (t) => {
    const plan = async (seed: string): Promise<string> => (await runFaults(t, ['--plan', '--faults', '50', '--seeds', seed])).output
    t.equal(await plan('7'), await plan('7'))
    t.not(await plan('7'), await plan('8'))
    t.equal((await plan('7')).trimEnd().split('\n').length, 50)
  })
})
