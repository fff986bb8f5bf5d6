import type { Counts } from './counts.js'
import type { Histogram } from './histogram.js'

/** One line of the text for Prometheus. */
export interface Sample {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

/** A metric of one messenger, read at the scrape. */
export interface FamilyReader {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  read (): Sample[]
}

/** A metric as a registry of prom-client accepts it: the registry reads the values at each scrape. */
export class Family {
  readonly help: string
  readonly type: FamilyReader['type']
  readonly aggregator = 'sum'
  /** Not read-only: for OpenMetrics a registry takes `_total` away. */
  name: string

  constructor ({ name, help, type }: FamilyReader, private readonly read: () => Sample[]) {
    this.name = name
    this.help = help
    this.type = type
  }

  get (): object {
    const { name, help, type, aggregator } = this
    const own = type === 'histogram'
    // The name of a sample is that of the metric, which may have changed, unless it is a part of a histogram.
    const values = this.read().map(({ metricName, labels, value }) => own ? { metricName, labels, value } : { labels, value })
    return { name, help, type, aggregator, values }
  }

  /** Called by a registry that resets its metrics. These are counted since the start of the messenger in any case. */
  reset (): void {}
}

type Reading = Pick<FamilyReader, 'name' | 'help'>

/** A metric without labels. */
export function single (type: 'counter' | 'gauge', { name, help }: Reading, value: () => number): FamilyReader {
  return { name, help, type, read: () => [{ metricName: name, labels: {}, value: value() }] }
}

/** A metric with one label. */
export function labelled<Label extends string | number> (
  type: 'counter' | 'gauge', { name, help }: Reading, label: string, counts: Pick<Counts<Label>, 'entries'>
): FamilyReader {
  const read = (): Sample[] => [...counts.entries()].map(([name_, value]) => ({ metricName: name, labels: { [label]: name_ }, value }))
  return { name, help, type, read }
}

/** A histogram. */
export function distribution ({ name, help }: Reading, histogram: Histogram): FamilyReader {
  const read = (): Sample[] => {
    const counts = histogram.cumulative()
    return [
      ...counts.map((value, index) => ({ metricName: `${name}_bucket`, labels: { le: histogram.bounds[index] ?? '+Inf' }, value })),
      { metricName: `${name}_sum`, labels: {}, value: histogram.sum },
      { metricName: `${name}_count`, labels: {}, value: histogram.count }
    ]
  }
  return { name, help, type: 'histogram', read }
}
