import t, { type Test } from 'tap'
import { onSignals } from '../src/signals.js'

type Listener = (value: unknown) => void

/** Calls `onSignals`; returns a way to emit events of the process, the calls that followed, and the clock. */
function listen (
  t: Test, { terminal = false } = {}
): { emit: (event: string, value?: unknown) => void, done: string[], clock: { now: number } } {
  const listeners = new Map<string, Listener>()
  const done: string[] = []
  const clock = { now: 0 }
  t.intercept(process, 'on', { value: (event: string, listener: Listener) => { listeners.set(event, listener) } })
  t.intercept(performance, 'now', { value: () => clock.now })
  onSignals({ close: (signal) => { done.push(`close ${signal}`) }, abort: (signal) => { done.push(`abort ${signal}`) } }, () => terminal)
  return { emit: (event, value = event) => { listeners.get(event)?.(value) }, done, clock }
}

t.test('onSignals', async (t) => {
  t.test('closes once for a signal that comes twice, as npm passes it on, and aborts for a later one', (t) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGUSR2', 'SIGBREAK']) {
      const { emit, done, clock } = listen(t)
      emit(signal)
      clock.now += 200
      emit(signal)
      t.strictSame(done, [`close ${signal}`])
      clock.now += 1_000
      emit('SIGTERM')
      t.strictSame(done, [`close ${signal}`, 'abort SIGTERM'])
    }
    t.end()
  })

  t.test('ends with its terminal, and stays where it has none', (t) => {
    for (const terminal of [true, false]) {
      const { emit, done } = listen(t, { terminal })
      emit('SIGHUP')
      t.strictSame(done, terminal ? ['close SIGHUP'] : [])
    }
    t.end()
  })

  t.test('takes the message of a manager where there are no signals', (t) => {
    const { emit, done } = listen(t)
    for (const message of ['ready', null, { shutdown: true }]) emit('message', message)
    t.strictSame(done, [])
    emit('message', 'shutdown')
    t.strictSame(done, ['close SIGTERM'])
    t.end()
  })
})
