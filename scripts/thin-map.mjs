// Source maps that are exact to the line and, within lines, to a few words: a third of the size of those that are exact to the character.
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
/** How many characters of a line of a source may stand for one place. */
const GRAIN = 40

/** The numbers of a segment: base 64 digits of five bits each and one for "more follows", the lowest bit of a number its sign. */
function decode (segment) {
  const numbers = []
  let [value, shift] = [0, 0]
  for (const character of segment) {
    const digit = DIGITS.indexOf(character)
    value |= (digit & 31) << shift
    shift += 5
    if (digit & 32) continue
    numbers.push(value & 1 ? -(value >>> 1) : value >>> 1);
    [value, shift] = [0, 0]
  }
  return numbers
}

function encode (numbers) {
  return numbers.map((number) => {
    let [rest, text] = [number < 0 ? -number << 1 | 1 : number << 1, '']
    do {
      text += DIGITS[rest & 31 | (rest > 31 ? 32 : 0)]
      rest >>>= 5
    } while (rest > 0)
    return text
  }).join('')
}

/** The segments of a map as `[line, column, source, source line, source column]`, all counted from 0. */
function segmentsOf (mappings) {
  const last = [0, 0, 0, 0]
  return mappings.split(';').flatMap((line, number) => {
    last[0] = 0
    return line.split(',').filter(Boolean).map((segment) => {
      decode(segment).slice(0, 4).forEach((delta, index) => { last[index] += delta })
      return [number, ...last]
    })
  })
}

/**
 * The map of a file with no more segments than it takes to be exact to the line and {@link GRAIN}, without names and without the text
 * of the sources; `omitted` is no source of it.
 */
export function thinMap ({ sources, mappings }, file, omitted) {
  const kept = sources.filter((source) => source !== omitted)
  const lines = []
  let last = [0, 0, 0, 0]
  let former = []
  for (const [line, column, source, sourceLine, sourceColumn] of segmentsOf(mappings)) {
    const next = [column, kept.indexOf(sources[source]), sourceLine, sourceColumn]
    const isNear = former[0] === line && former[1] === next[1] && last[2] === sourceLine && Math.abs(sourceColumn - last[3]) < GRAIN
    if (next[1] < 0 || isNear) continue
    if (former[0] !== line) last = [0, ...last.slice(1)];
    (lines[line] ??= []).push(encode(next.map((value, index) => value - last[index])))
    former = [line, next[1]]
    last = next
  }
  return { version: 3, file, sources: kept, names: [], mappings: Array.from(lines, (line) => line?.join(',') ?? '').join(';') }
}
