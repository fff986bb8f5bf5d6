import { setTimeout as delay } from 'node:timers/promises'
import { TabLedger } from './ledger.mjs'

/** How long a tab may take to receive what the others have, and the pause between two looks. */
const PATIENCE_MS = 30_000
const LOOK_MS = 20

/** A tab of a real browser, and what it has received. */
export class Tab {
  state = 'running'
  errors = []
  closes = {}
  ledgers
  #browser
  #target
  #session

  /** @param published when each message was handed to the service, by channel and number */
  static async open (browser, url, published) {
    const tab = new Tab()
    tab.ledgers = Object.fromEntries(Object.entries(published).map(([channel, times]) => [channel, new TabLedger(times)]))
    tab.#browser = browser
    const { targetId } = await browser.send('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await browser.send('Target.attachToTarget', { targetId, flatten: true })
    tab.#target = targetId
    tab.#session = sessionId
    for (const domain of ['Page', 'Runtime', 'Debugger', 'Inspector']) await tab.#send(`${domain}.enable`)
    const loaded = browser.next('Page.loadEventFired', sessionId)
    await tab.#send('Page.navigate', { url })
    await loaded
    return tab
  }

  async leads () {
    return this.state === 'running' && await this.#evaluate('leads()')
  }

  async isVisible () {
    return this.state === 'running' && await this.#evaluate('!document.hidden')
  }

  /** Resolves when a message of the channel with at least this number has come. */
  async reached (channel, number, patience = PATIENCE_MS) {
    for (const until = performance.now() + patience; !await this.#evaluate(`last[${JSON.stringify(channel)}] >= ${number}`); await delay(LOOK_MS)) {
      if (performance.now() > until) throw new Error(`message ${number} of ${channel} did not come within ${patience} ms; the last was ${await this.#evaluate(`last[${JSON.stringify(channel)}]`)}`)
    }
  }

  /** Makes it the visible one. */
  async show () {
    await this.#browser.send('Target.activateTarget', { targetId: this.#target })
  }

  /** Stands still, after an event; a visible tab does not. */
  async freeze () {
    this.state = 'frozen'
    await this.#send('Page.setWebLifecycleState', { state: 'frozen' })
  }

  /** Stands still without an event, in the middle of what it does. */
  async stop () {
    this.state = 'stopped'
    const paused = this.#browser.next('Debugger.paused', this.#session)
    await this.#send('Debugger.pause')
    await paused
  }

  async thaw () {
    if (this.state === 'frozen') await this.#send('Page.setWebLifecycleState', { state: 'active' })
    if (this.state === 'stopped') await this.#send('Debugger.resume')
    this.state = 'running'
  }

  async crash () {
    await this.collect()
    this.state = 'gone'
    const crashed = this.#browser.next('Inspector.targetCrashed', this.#session)
    // The answer does not come.
    this.#send('Page.crash').catch(() => {})
    await crashed
  }

  async close () {
    if (this.state === 'running') await this.collect()
    this.state = 'gone'
    await this.#browser.send('Target.closeTarget', { targetId: this.#target })
  }

  /** Judges what has been received since the last time. */
  async collect () {
    for (const [channel, kind, value] of await this.#evaluate('flush()')) {
      const ledger = this.ledgers[channel]
      if (kind === 'message') ledger.take(value)
      else if (kind === 'open') ledger.opened(value)
      else if (kind === 'gap') ledger.gap()
      else if (kind === 'error') this.errors.push(value)
      else this.closes[value] = (this.closes[value] ?? 0) + 1
    }
  }

  #send (method, params) {
    return this.#browser.send(method, params, this.#session)
  }

  async #evaluate (expression) {
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', { expression, returnByValue: true })
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value
  }
}
