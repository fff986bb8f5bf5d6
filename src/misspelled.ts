/** Shorter names are too often those of other programs. */
const MIN_LENGTH = 6
const MAX_DISTANCE = 2

/** Warnings about unknown variables that nearly equal a known one, and would otherwise be ignored silently. */
export function misspelled (names: readonly string[], known: readonly string[]): string[] {
  return names.filter((name) => !known.includes(name)).flatMap((name) => {
    const meant = known.find((candidate) => isNearly(name, candidate))
    return meant === undefined ? [] : [`${name} is unknown and has no effect: is ${meant} meant?`]
  })
}

function isNearly (name: string, known: string): boolean {
  const [one, other] = [bare(name), bare(known)]
  if (one === other) return true
  if (known.length < MIN_LENGTH || Math.abs(one.length - other.length) > MAX_DISTANCE) return false
  return distance(one, other) <= (other.length < 2 * MIN_LENGTH ? 1 : MAX_DISTANCE)
}

/** The name without characters that are written in different ways. */
function bare (name: string): string {
  return name.toUpperCase().replaceAll(/[_.-]/g, '')
}

/** The edit distance: insertions, deletions, replacements and transpositions of neighbours. */
function distance (one: string, other: string): number {
  let [before, last] = [[] as number[], Array.from({ length: other.length + 1 }, (_, at) => at)]
  for (let row = 1; row <= one.length; row++) {
    const next = [row]
    for (let at = 1; at <= other.length; at++) {
      const replaced = (last[at - 1] as number) + (one[row - 1] === other[at - 1] ? 0 : 1)
      const exchanged = one[row - 1] === other[at - 2] && one[row - 2] === other[at - 1] ? (before[at - 2] as number) + 1 : Infinity
      next.push(Math.min(replaced, exchanged, (last[at] as number) + 1, (next[at - 1] as number) + 1))
    }
    [before, last] = [last, next]
  }
  return last[other.length] as number
}
