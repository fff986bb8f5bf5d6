import { once } from 'node:events'
import t from 'tap'
import { ChannelEmitter } from '../../src/channels/channel-emitter.js'
import { turn } from '../eventually.js'

t.test('ChannelEmitter', async (t) => {
  t.test('calls every listener, after the current step, and those of once a single time', async (t) => {
    const emitter = new ChannelEmitter((error) => { t.error(error) })
    const seen: string[] = []
    emitter.on('join', ({ channel, sub }) => { seen.push(`on ${channel} ${sub}`) })
    emitter.once('join', ({ sub }) => { seen.push(`once ${sub}`) })
    const first = once(emitter, 'join')
    emitter.emitLater('join', { channel: 'room', sub: '7' })
    emitter.emitLater('join', { channel: 'room', sub: '8' })
    t.strictSame(seen, [])
    t.strictSame(await first, [{ channel: 'room', sub: '7' }])
    await turn()
    t.strictSame(seen, ['on room 7', 'once 7', 'on room 8'])
  })

  t.test('hands over what a listener throws, or its promise rejects with, and goes on with the others', async (t) => {
    const errors: unknown[] = []
    const emitter = new ChannelEmitter((error) => { errors.push((error as Error).message) })
    let called = 0
    emitter.on('occupied', () => { throw new Error('sync') })
    const rejecting: () => unknown = async () => { await Promise.reject(new Error('async')) }
    emitter.on('occupied', rejecting)
    emitter.on('occupied', () => { called++ })
    emitter.emitLater('occupied', { channel: 'room' })
    emitter.emitLater('occupied', { channel: 'room' })
    await turn()
    t.equal(called, 2)
    t.strictSame(errors, ['sync', 'sync', 'async', 'async'])
  })

  t.test('does nothing without listeners', async (t) => {
    const emitter = new ChannelEmitter((error) => { t.error(error) })
    emitter.emitLater('vacated', { channel: 'room' })
    emitter.on('vacated', () => { t.fail('came later') })
    await turn()
  })
})
