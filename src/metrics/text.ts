import type { FamilyReader, Sample } from './family.js'

// The text format of Prometheus, https://prometheus.io/docs/instrumenting/exposition_formats/. Not by prom-client, which is 11 MB of
// memory in each process, OpenTelemetry and a tree for quantiles included.

/** The media type of {@link metricsText}. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Metrics as text for Prometheus. Names of metrics and labels, and the texts of help, contain nothing to be escaped. */
export function metricsText (readers: readonly FamilyReader[]): string {
  return readers.map(familyText).join('')
}

function familyText (reader: FamilyReader): string {
  const { name, help, type } = reader
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${reader.read().map(line).join('')}`
}

function line ({ metricName, labels, value }: Sample): string {
  const list = Object.entries(labels).map(([name, text]) => `${name}="${escaped(String(text))}"`).join(',')
  return `${metricName}${list === '' ? '' : `{${list}}`} ${value}\n`
}

function escaped (text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
