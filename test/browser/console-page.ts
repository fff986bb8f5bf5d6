import type { Locator, Page } from 'playwright-core'
import type { Test } from 'tap'
import { TOKEN } from '../helper.js'
import { type launch, openPage } from './chromium.js'

type NewContext = Awaited<ReturnType<typeof launch>>

/** The page at / as a test uses it. */
export class ConsolePage {
  private constructor (readonly page: Page) {}

  /** Opens the page and waits until its channels are open. */
  static async open (t: Test, newContext: NewContext, url: string, options?: Parameters<NewContext>[0]): Promise<ConsolePage> {
    const opened = new ConsolePage(await openPage(t, newContext, url, options))
    await opened.live()
    return opened
  }

  static of (page: Page): ConsolePage {
    return new ConsolePage(page)
  }

  async live (): Promise<void> {
    await this.page.getByText('Live', { exact: true }).waitFor()
  }

  /** The rows of a tail, newest first. */
  rows (channels?: string): Locator {
    const scope = channels === undefined ? this.page : this.tail(channels)
    return scope.getByRole('log').getByRole('listitem')
  }

  tail (channels: string): Locator {
    return this.page.getByRole('region', { name: `Tail of ${channels}`, exact: true })
  }

  async unlock (token = TOKEN): Promise<void> {
    await this.page.getByLabel('Token', { exact: true }).fill(token)
    await this.page.getByRole('button', { name: 'Unlock' }).click()
    await this.page.getByText('Operator', { exact: true }).waitFor()
  }

  async push (message: string): Promise<void> {
    await this.page.getByLabel('Message', { exact: true }).fill(message)
    await this.page.getByRole('button', { name: 'Push to' }).click()
  }

  /** Waits for the text of an element. */
  async says (text: string | RegExp): Promise<void> {
    await this.page.getByText(text).first().waitFor()
  }
}
