import { churnSection } from './churn.mjs'
import { compareSection } from './compare.mjs'
import { logsSection } from './logs.mjs'
import { peersSection } from './peers.mjs'
import { publisherSection } from './publisher.mjs'
import { receiptsSection } from './receipts.mjs'
import { reconnectSection } from './reconnect.mjs'
import { scaleSection } from './scale.mjs'
import { scrapeSection } from './scrape.mjs'
import { sharedSection } from './shared.mjs'
import { tokensSection } from './tokens.mjs'

/** The sections of the report in their order; each turns its result into `{ markdown, failed }`. */
export const sections = {
  peers: peersSection,
  scale: scaleSection,
  compare: compareSection,
  shared: sharedSection,
  reconnect: reconnectSection,
  churn: churnSection,
  logs: logsSection,
  tokens: tokensSection,
  publisher: publisherSection,
  receipts: receiptsSection,
  scrape: scrapeSection
}

/** The whole report, of the results that there are. `read(name)` returns a result or undefined. */
export function render (read) {
  const parts = Object.entries(sections).flatMap(([name, section]) => {
    const result = read(name)
    return result === undefined ? [] : [section(result).markdown]
  })
  return ['# Benchmark results', 'Written by `npm run bench` and never by hand; `npm run bench -- --all` renews every section.', ...parts].join('\n\n') + '\n'
}
