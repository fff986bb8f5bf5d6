import t, { type Test } from 'tap'
import { FakeTabs, HEARTBEAT, type Tab } from './fake-tabs.js'

const SEEDS = Array.from({ length: Number(process.env['SEEDS'] ?? 12) }, (_, index) => index + Number(process.env['SEED'] ?? 1))
const STEPS = 80
const CHANNELS = ['room', 'other']

/** The messages that a tab must receive: those of its channel, from the first one on. */
interface Watched {
  readonly tab: Tab
  readonly channel: string
  readonly since: string
  /** Messages published before the tab was told that it is open. */
  before: number
}

/** Numbers from 0 to 1 that follow from a seed. */
function numbers (seed: number): () => number {
  let state = seed * 2654435761 % 2147483647
  return () => (state = state * 48271 % 2147483647) / 2147483647
}

async function run (t: Test, seed: number): Promise<void> {
  const world = new FakeTabs(t)
  const { server, channels } = world
  const random = numbers(seed)
  const below = (count: number) => Math.floor(random() * count)
  const watched: Watched[] = []
  const steps: string[] = []
  const living = () => world.tabs.filter(({ gone }) => !gone)
  const open = async () => {
    await world.open(1, (tab) => {
      const channel = CHANNELS[below(2)] as string
      const since = random() < 0.5 ? 'now' : 'earliest'
      const entry = { tab, channel, since, before: Infinity }
      watched.push(entry)
      tab.subscribe(channel, { since, onOpen: () => { entry.before = Math.min(entry.before, server.log(channel).length) } })
    })
  }
  const tasks: [number, string, (tab: Tab) => unknown][] = [
    [8, 'publish', () => { for (let count = below(5); count >= 0; count--) server.publish(CHANNELS[below(2)] as string, server.log('all').push(0)) }],
    [6, 'pass', () => world.pass(below(100))],
    [2, 'pass long', () => world.pass(below(2 * HEARTBEAT))],
    [2, 'open', () => living().length < 6 && open()],
    [1, 'close', (tab) => { tab.thaw(); tab.close() }],
    [1, 'crash', (tab) => { tab.crash() }],
    [2, 'freeze', (tab) => { tab.freeze() }],
    [2, 'stop', (tab) => { tab.freeze(false) }],
    [4, 'thaw', (tab) => { tab.thaw() }],
    [2, 'hide', (tab) => { tab.hide() }],
    [2, 'show', (tab) => { tab.show() }],
    [1, 'lose', (tab) => {
      let left = 1 + below(3)
      channels.loses = (to) => to === tab && left-- > 0
    }],
    [1, 'cut', () => { for (const peer of server.peers) peer.end(1006, '') }]
  ]
  const deck = tasks.flatMap(([weight, ...task]) => Array.from({ length: weight }, () => task))
  await open()
  for (let step = 0; step < STEPS; step++) {
    const [name, task] = deck[below(deck.length)] as (typeof deck)[number]
    const tab = living()[below(living().length)]
    steps.push(`${name} ${world.tabs.indexOf(tab as Tab)}`)
    if (tab ?? name === 'open') await task(tab as Tab)
  }
  for (const tab of living()) tab.thaw()
  await world.pass(5 * HEARTBEAT)
  for (const channel of CHANNELS) server.publish(channel, 'last')
  await world.pass(5 * HEARTBEAT)

  for (const { tab, channel, since, before } of watched) {
    if (tab.gone) continue
    const log = server.log(channel)
    const got = tab.take('message', 'gap', 'error').map(([kind, message]) => kind === 'message' ? message : kind)
    const first = log.indexOf(got[0])
    if (first > (since === 'earliest' ? 0 : before) || JSON.stringify(got) !== JSON.stringify(log.slice(first))) {
      t.fail(`tab ${world.tabs.indexOf(tab)} of ${channel} since ${since}, open at ${before}`, { seed, got, log, steps })
    }
  }
  t.ok(world.connected.length <= 1, `${world.connected.length} connections`)
}

t.test('tabs that open, close, crash, freeze, thaw, hide and lose what others say', async (t) => {
  for (const seed of SEEDS) await t.test(`receive everything once and in order, seed ${seed}`, async (t) => { await run(t, seed) })
})
