/** A number with about three significant digits; thousands separated. */
export function number (value) {
  if (value === undefined || value === null || Number.isNaN(value)) return '–'
  const size = Math.abs(value)
  const decimals = size >= 100 ? 0 : size >= 10 ? 1 : 2
  return value.toLocaleString('en', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
}

export const integer = (value) => Math.round(value).toLocaleString('en')
export const percent = (share) => share === undefined ? '–' : `${Math.round(share * 100)} %`
export const times = (ratio) => ratio === undefined || Number.isNaN(ratio) ? '–' : `${number(ratio)}×`
export const mebibytes = (bytes) => number(bytes / 2 ** 20)
export const kibibytes = (bytes) => number(bytes / 2 ** 10)

/** A Markdown table; the first column is text, the others are numbers. */
export function table (head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, column) => column === 0 ? '---' : '---:')), ...rows.map(line)].join('\n')
}

/** `- PASS …` or `- FAIL …` a line; those whose values were not measured say so. */
export function verdicts (targets) {
  return targets.map(({ what, limit, value, ok }) =>
    value === undefined ? `- not measured: ${what}` : `- **${ok ? 'PASS' : 'FAIL'}** ${what}: ${value} (limit ${limit})`).join('\n')
}

export const countFailed = (targets) => targets.filter(({ value, ok }) => value !== undefined && !ok).length

/** When and on what a section was measured, and where its two sides ran. */
export function provenance (machine) {
  return `${whereabouts(machine)}; ${machine.pinned ? 'server pinned to core 0, load to core 1.' : 'server and load not pinned (no `taskset`, or one core).'}`
}

/** When and on what something was measured. */
export function whereabouts ({ date, cpu, cores, memoryGiB, kernel, node }) {
  return `Measured ${date} on ${cpu}, ${cores} cores, ${memoryGiB} GiB, ${kernel}, Node.js ${node}`
}
