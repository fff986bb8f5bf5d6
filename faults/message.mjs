import { hash, Prng } from './prng.mjs'

/** Characters of the longest message; with what surrounds them, and in UTF-8, they are within MAX_MESSAGE_BYTES. */
const MAX_LENGTH = 32_000

// Ordinary text with some of what JSON, UTF-8 and line-based transports get wrong.
const TEXT = makeText(2 * MAX_LENGTH, ['\n', '\r\n', '\n\n', 'data: ', '"', '\\', '\u2028', '\u00e9', '\u20ac', '\ud83d\ude00', '\u0000'])

/**
 * Makes the message number `n` of publisher `p`. What it says follows from the two and its length, so that a receiver can
 * tell a message that was changed, cut or mixed with another without knowing what was sent.
 * @param sentAt milliseconds of the clock that the subscribers share
 */
export function makeMessage (p, n, length, sentAt) {
  return { p, n, sentAt, text: textOf(p, n, length) }
}

/** `"<publisher>/<number>"`, what a message is known by besides the id that the service gives it; `undefined` when it is damaged. */
export function keyOf (message) {
  if (message === null || typeof message !== 'object' || typeof message.text !== 'string') return undefined
  const { p, n, text } = message
  return text === textOf(p, n, text.length) ? `${p}/${n}` : undefined
}

/** Mostly short, as messages are; some fill several packets. */
export function randomLength (prng) {
  const limit = prng.weighted({ 200: 85, 2_000: 12, 16_000: 3 })
  return prng.integer(0, Number(limit))
}

function textOf (p, n, length) {
  const start = hash(`${p}/${n}/${length}`) % MAX_LENGTH
  return TEXT.slice(start, start + Math.min(length, MAX_LENGTH))
}

function makeText (length, oddities) {
  const prng = new Prng('text')
  let text = ''
  while (text.length < length) text += prng.chance(0.02) ? prng.pick(oddities) : String.fromCharCode(prng.integer(0x20, 0x7e))
  return text
}
