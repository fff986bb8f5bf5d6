import type { Cluster } from 'ioredis'
import t from 'tap'
import { guardLastSubscriber } from '../../../../src/brokers/redis/connection/last-subscriber.js'

t.test('The last subscriber of a cluster\'s client', async (t) => {
  const create = (status: string): { disconnects: () => number, select: () => void } => {
    let disconnects = 0
    const subscriber = {
      lastActiveSubscriber: { status, disconnect () { disconnects++ } },
      selectSubscriber () { this.lastActiveSubscriber.disconnect() }
    }
    guardLastSubscriber({ subscriber } as unknown as Cluster)
    return { disconnects: () => disconnects, select: () => { subscriber.selectSubscriber() } }
  }

  t.test('is not ended again when its connection has ended', async (t) => {
    const { disconnects, select } = create('end')
    for (let attempt = 0; attempt < 20; attempt++) select()
    t.equal(disconnects(), 0)
  })

  t.test('is ended while its connection is open', async (t) => {
    const { disconnects, select } = create('ready')
    select()
    t.equal(disconnects(), 1)
  })

  t.test('may be one that there is not yet', async () => {
    const subscriber = { lastActiveSubscriber: null, selectSubscriber: () => {} }
    guardLastSubscriber({ subscriber } as unknown as Cluster)
    subscriber.selectSubscriber()
  })
})
