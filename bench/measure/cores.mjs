import { readFileSync } from 'node:fs'

/** A measurement during which others took more than this share of a core is not a quiet one. */
export const MAX_FOREIGN = 0.1

const SECONDS_PER_TICK = 0.01

/** Seconds that each core has spent so far on programs and on other guests of its host (steal), not on interrupts. */
export function coreSeconds () {
  return [...readFileSync('/proc/stat', 'utf8').matchAll(/^cpu\d+ (.*)$/gm)].map(([, fields]) => {
    const [user, nice, system, , , , , steal] = fields.split(' ').map(Number)
    return (user + nice + system + steal) * SECONDS_PER_TICK
  })
}
