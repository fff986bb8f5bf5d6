const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"'
const SAMPLE = new RegExp(`^(${NAME})(\\{${LABEL}(?:,${LABEL})*\\})? ([-+]?[0-9.]+(?:e[-+]?[0-9]+)?|[-+]Inf|NaN)$`)

/** The values of a text for Prometheus by series. Throws where the text breaks a rule of the format. */
export function parseMetrics (text: string): Map<string, number> {
  if (!text.endsWith('\n')) throw new Error('The last line has no end')
  const values = new Map<string, number>()
  const seen = new Set<string>()
  let family = ''
  let type = ''
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [, keyword, name = '', rest = ''] = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`).exec(line) ?? []
    if (keyword === 'HELP') {
      if (seen.has(name)) throw new Error(`${name} comes twice`)
      seen.add(family = name)
      type = ''
    } else if (keyword === 'TYPE') {
      if (name !== family || !['counter', 'gauge', 'histogram'].includes(rest)) throw new Error(line)
      type = rest
    } else {
      const [, sample = '', labels = '', value] = SAMPLE.exec(line) ?? []
      const allowed = type === 'histogram' ? ['_bucket', '_sum', '_count'].map((part) => family + part) : [family]
      if (value === undefined || type === '' || !allowed.includes(sample)) throw new Error(`Not a sample of ${family}: ${line}`)
      if (values.has(sample + labels)) throw new Error(`Twice: ${line}`)
      values.set(sample + labels, Number(value.replace('Inf', 'Infinity')))
    }
  }
  return values
}

/** The names of the metrics in a text. */
export function namesOf (text: string): string[] {
  return [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name)
}
