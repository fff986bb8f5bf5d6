import t from 'tap'
import { FakeTabs } from './fake-tabs.js'

t.test('tabs with the same share key', async (t) => {
  t.test('use one connection, and each is told all of it', async (t) => {
    const world = new FakeTabs(t)
    const tabs = await world.open(3)
    world.server.publish('room', 1)
    world.server.publish('room', 2)
    await world.page.pass(100)
    t.equal(world.page.sockets.length, 1)
    for (const tab of tabs) t.strictSame(tab.told, [['state', 'connecting'], ['state', 'open'], ['open'], ['message', 1], ['message', 2]])
  })
})
