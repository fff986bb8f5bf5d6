// The benchmark's message: 100 bytes of JSON that carry a number, found again in whatever a server wraps around it.

// JSON allows no leading zeros: counting from here keeps every message equally long.
const FIRST = 10_000_000
const DIGITS = 8
const ZERO = 0x30
const MARK = Buffer.from('"n":')

/** Message number `index` as JSON text, `bytes` long. */
export function messageText (index, bytes = 100) {
  const head = `{"n":${FIRST + index},"text":"`
  return `${head}${'x'.repeat(bytes - head.length - 2)}"}`
}

// The number stands at the same place in every frame of a channel, so it is looked for only once.
let expectedAt = 0

/** The number of the message in `buffer[start, end)`, or -1 when there is none. */
export function numberIn (buffer, start, end) {
  let at = start + expectedAt
  if (!marked(buffer, at)) {
    at = buffer.indexOf(MARK, start)
    if (at === -1 || at + MARK.length + DIGITS > end) return -1
    expectedAt = at - start
  }
  let number = 0
  for (let digit = at + MARK.length, last = digit + DIGITS; digit < last; digit++) number = number * 10 + buffer[digit] - ZERO
  return number - FIRST
}

function marked (buffer, at) {
  return buffer[at] === MARK[0] && buffer[at + 1] === MARK[1] && buffer[at + 2] === MARK[2] && buffer[at + 3] === MARK[3]
}
