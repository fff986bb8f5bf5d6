import type { Page } from 'playwright-core'

/** Answers, `undefined` for 404; each that is left out is left to the service. */
export interface Answers {
  channels?: () => Array<{ channel: string, subscribers: number }>
  details?: (channel: string) => object | undefined
  metrics?: () => string | undefined
}

export declare function standIn (page: Page, token: string, answers: Answers): Promise<void>
export declare function metricsText (values: Record<string, number | Record<string, number>>): string
