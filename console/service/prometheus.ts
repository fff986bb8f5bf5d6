/** One line of Prometheus text. */
export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+([-+]?(?:Inf|[\d.]+(?:[eE][-+]?\d+)?))(?:\s|$)/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g
const ESCAPES: Record<string, string> = { '\\n': '\n', '\\"': '"', '\\\\': '\\' }

/** The samples of Prometheus text (exposition format 0.0.4). Comments, what is not a sample and what is not a number are left out. */
export function samplesOf (text: string): Sample[] {
  const samples: Sample[] = []
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = LINE.exec(line) ?? []
    if (name === undefined || value === undefined) continue
    const number = value.endsWith('Inf') ? Number(`${value}inity`) : Number(value)
    samples.push({ name, labels: labelsOf(labels), value: number })
  }
  return samples
}

function labelsOf (text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(LABEL)].map(([, name = '', value = '']) => [name, value.replace(/\\[n"\\]/g, (escape) => ESCAPES[escape] ?? escape)]))
}

/** The sum over all labels; undefined where the metric does not exist. */
export function sumOf (samples: readonly Sample[], name: string): number | undefined {
  const found = samples.filter((sample) => sample.name === name)
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0)
}

/** The values by one label, largest first, zeros left out. */
export function valuesBy (samples: readonly Sample[], name: string, label: string): Array<[string, number]> {
  const values = new Map<string, number>()
  for (const sample of samples) {
    const key = sample.labels[label]
    if (sample.name === name && key !== undefined && sample.value !== 0) values.set(key, (values.get(key) ?? 0) + sample.value)
  }
  return [...values].sort(([, a], [, b]) => b - a)
}

/** The buckets of a histogram as pairs of upper bound and cumulative count, in order. */
export function bucketsOf (samples: readonly Sample[], name: string): Array<[number, number]> {
  const counts = new Map<number, number>()
  for (const sample of samples) {
    if (sample.name !== `${name}_bucket`) continue
    const bound = sample.labels['le'] === '+Inf' ? Infinity : Number(sample.labels['le'])
    counts.set(bound, (counts.get(bound) ?? 0) + sample.value)
  }
  return [...counts].sort(([a], [b]) => a - b)
}
