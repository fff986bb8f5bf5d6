import { Family, type FamilyReader, type Sample } from './family.js'

/**
 * The part of a registry of prom-client that is used here, as a type of its own: a host without prom-client needs no types of it.
 * A method with any parameter fits.
 */
export interface MetricsRegistry {
  registerMetric (metric: never): void
  removeSingleMetric (name: string): void
}

/** A messenger whose metrics are in a registry. */
interface Member {
  readonly prefix: string
  readonly readers: readonly FamilyReader[]
}

/**
 * The metrics of the messengers that share a registry. Each metric is registered once; its samples carry the prefix of their messenger
 * as label, where it has one. Those of messengers with the same prefix are added up.
 */
class SharedMetrics {
  readonly #members = new Set<Member>()
  readonly #families = new Map<string, Family>()

  constructor (private readonly registry: MetricsRegistry) {}

  add (member: Member): void {
    this.#members.add(member)
    for (const reader of member.readers) {
      const { name } = reader
      const family = this.#families.get(name) ?? new Family(reader, () => this.#read(name))
      // Once more, also where it is known: a host may have cleared its registry.
      this.registry.registerMetric(family as never)
      this.#families.set(name, family)
    }
  }

  delete (member: Member): void {
    if (!this.#members.delete(member) || this.#members.size > 0) return
    for (const name of this.#families.keys()) this.registry.removeSingleMetric(name)
    this.#families.clear()
  }

  #read (name: string): Sample[] {
    const samples = new Map<string, Sample>()
    for (const { prefix, readers } of this.#members) {
      for (const sample of readers.flatMap((reader) => reader.name === name ? reader.read() : [])) {
        const labels = prefix === '' ? sample.labels : { ...sample.labels, prefix }
        const key = `${sample.metricName} ${JSON.stringify(labels)}`
        samples.set(key, { ...sample, labels, value: sample.value + (samples.get(key)?.value ?? 0) })
      }
    }
    return [...samples.values()]
  }
}

const shared = new WeakMap<MetricsRegistry, SharedMetrics>()

/**
 * Adds the metrics of a messenger to a registry; returns a function that removes them. Throws what the registry throws, such as for a
 * metric of that name that is not one of this package.
 */
export function addToRegistry (registry: MetricsRegistry, readers: readonly FamilyReader[], prefix: string): () => void {
  let metrics = shared.get(registry)
  if (metrics === undefined) shared.set(registry, metrics = new SharedMetrics(registry))
  const member: Member = { prefix, readers }
  metrics.add(member)
  return () => { metrics.delete(member) }
}
