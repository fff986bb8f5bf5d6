import type { Test } from 'tap'
import { HEAP_BOUND_BYTES, type Target } from './target.js'
import { Witness } from './witness.js'

/**
 * Runs the attacks that `attack` declares; after all of them the service must live, deliver, and hold no more than before.
 */
export async function hostile (t: Test, target: Target, attack: (t: Test) => Promise<void>): Promise<void> {
  const before = await target.count('collect')
  await t.test('attacks', async (t) => { await attack(t) })

  t.test('leave the service alive, and with no connection, channel or timer more than before', async (t) => {
    const after = await target.settled(before)
    t.equal(target.ended, null)
    t.equal(after.connections, before.connections)
    t.equal(after.channels, before.channels)
    t.ok(after.resources <= before.resources, `${after.resources} resources, ${before.resources} before`)
    t.comment(`heap ${Math.round((after.heap - before.heap) / 1_024)} KiB more than before`)
    t.ok(after.heap - before.heap < HEAP_BOUND_BYTES)
    await (await Witness.on(t, target, 'afterwards')).verify([])
  })
}
