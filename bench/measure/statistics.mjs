/** The median of numbers; of an even count, the mean of the middle two. */
export function median (values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** The smallest of the values that `fraction` of them do not exceed. */
export function percentile (values, fraction) {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * fraction) - 1]
}

/** The median of each numeric member, also of members of members, over several results of the same shape; others are the last result's. */
export function medians (results) {
  return Object.fromEntries(Object.keys(results.at(-1)).map((key) => [key, medianOf(results.map((result) => result[key]))]))
}

function medianOf (values) {
  const last = values.at(-1)
  if (typeof last === 'number') return median(values)
  return typeof last === 'object' && last !== null ? medians(values) : last
}
