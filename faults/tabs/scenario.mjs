import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { Prng } from '../prng.mjs'
import { Browser } from './browser.mjs'
import { pageHtml } from './page.mjs'
import { Tab } from './tab.mjs'

const CHANNELS = ['room', 'other']
/** Time limit for all tabs to catch up after the last fault. */
const SETTLE_MS = 60_000
const MAX_PAUSE_MS = 300

/** Faults of the leading tab, with their weights. */
const KINDS = { freeze: 3, stop: 3, crash: 3, close: 3, hide: 3, thaw: 3 }

/** Tabs that share a connection, under load, of which the leader fails again and again. */
export class Scenario {
  tabs = []
  gone = []
  /** How long the other tabs received nothing after each fault. */
  takeovers = []
  errors = []
  #app
  #random
  #browser = new Browser()
  #site
  #published = Object.fromEntries(CHANNELS.map((channel) => [channel, []]))
  #publisher
  #ended = false

  /** @param app an app with `channels`, which listens */
  constructor (app, seed) {
    this.#app = app
    this.#random = new Prng(seed)
  }

  async start (count, messagesPerSecond) {
    const server = `http://127.0.0.1:${this.#app.server.address().port}`
    this.#site = createServer((_request, response) => { response.setHeader('content-type', 'text/html').end(pageHtml(server, CHANNELS)) })
    this.#site.listen(0, '127.0.0.1')
    await once(this.#site, 'listening')
    await this.#browser.start()
    this.#publisher = this.#publish(1_000 / messagesPerSecond)
    await this.#fill(count)
  }

  /** One fault of the leader; resolves when all others receive again. */
  async fault () {
    const count = this.tabs.length
    const leader = await this.#leader()
    const others = this.tabs.filter((tab) => tab !== leader && tab.state === 'running')
    const kind = this.#random.weighted(KINDS)
    // Only a hidden tab is frozen, and a hidden one leads where all are.
    if (kind === 'freeze' && await leader.isVisible()) await this.#random.pick(others).show()
    const at = performance.now()
    if (kind === 'hide') await this.#random.pick(others).show()
    else if (kind === 'thaw') await this.#thaw()
    else await leader[kind]()
    if (leader.state === 'gone') this.#remove(leader)
    const number = this.#published.room.length
    try {
      await Promise.all(others.map((tab) => tab.reached('room', number)))
    } catch (error) {
      this.errors.push(`after ${kind}: ${error.message}`)
    }
    this.takeovers.push({ kind, ms: performance.now() - at })
    for (const tab of this.tabs) if (tab.state === 'running') await tab.collect()
    if (this.tabs.filter(({ state }) => state !== 'running').length > count / 2) await this.#thaw()
    await this.#fill(count)
    await delay(this.#random.integer(0, MAX_PAUSE_MS))
  }

  /** Ends the publishing; resolves with what came of it when every tab has everything, or after a time. */
  async settle () {
    await this.#thaw()
    this.#ended = true
    await this.#publisher
    await Promise.all(this.tabs.flatMap((tab) => CHANNELS.map(async (channel) => {
      await tab.reached(channel, this.#published[channel].length - 1, SETTLE_MS).catch((error) => { this.errors.push(error.message) })
    })))
    const connections = (await Promise.all(this.tabs.map((tab) => tab.leads()))).filter(Boolean).length
    for (const tab of [...this.tabs]) {
      await tab.close()
      for (const ledger of Object.values(tab.ledgers)) ledger.end()
      this.#remove(tab)
    }
    const ledgers = this.gone.flatMap(({ ledgers }) => Object.values(ledgers))
    const sum = (name) => ledgers.reduce((sum, ledger) => sum + ledger[name], 0)
    const closes = {}
    for (const tab of this.gone) for (const [close, times] of Object.entries(tab.closes)) closes[close] = (closes[close] ?? 0) + times
    return {
      published: CHANNELS.reduce((sum, channel) => sum + this.#published[channel].length, 0),
      received: sum('received'), lost: sum('lost'), twice: sum('twice'), gaps: sum('gaps'),
      tabs: this.gone.length, connections, closes, errors: [...this.errors, ...this.gone.flatMap(({ errors }) => errors)]
    }
  }

  async stop () {
    this.#ended = true
    await this.#publisher
    await this.#browser.stop()
    this.#site?.close()
  }

  async #publish (pauseMs) {
    const random = this.#random.fork('publisher')
    while (!this.#ended) {
      const channel = random.pick(CHANNELS)
      const times = this.#published[channel]
      times.push(Date.now())
      await this.#app.channels.publish(channel, times.length - 1)
      await delay(pauseMs)
    }
  }

  async #fill (count) {
    const url = `http://127.0.0.1:${this.#site.address().port}/`
    while (this.tabs.length < count) this.tabs.push(await Tab.open(this.#browser, url, this.#published))
  }

  /** The tab that has the connection; hands over may be on their way. */
  async #leader () {
    for (const until = performance.now() + SETTLE_MS; performance.now() < until; await delay(20)) {
      for (const tab of this.tabs) if (await tab.leads()) return tab
    }
    throw new Error('no tab has a connection')
  }

  async #thaw () {
    for (const tab of this.tabs) await tab.thaw()
  }

  #remove (tab) {
    this.tabs.splice(this.tabs.indexOf(tab), 1)
    this.gone.push(tab)
  }
}
