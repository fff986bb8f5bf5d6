import type { Output } from './command.js'

const CODES = { red: 31, green: 32, yellow: 33, dim: 2 }

/** Marks texts for a terminal, and leaves them alone for anything else and with `NO_COLOR` (no-color.org). */
export type Paint = (colour: keyof typeof CODES, text: string) => string

/** How texts are marked on a stream. */
export function paintFor ({ isTTY }: Output, env: NodeJS.ProcessEnv): Paint {
  const coloured = isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
  return (colour, text) => coloured ? `\x1b[${CODES[colour]}m${text}\x1b[0m` : text
}
