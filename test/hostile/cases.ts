/** How many cases each part fires at the service. The one place that says so. */
const CASES = {
  names: 21_000,
  bodies: 24_000,
  headers: 18_000,
  queries: 18_000,
  batches: 8_000,
  frames: 8_000,
  requests: 5_000,
  tokens: 12_000
}

/** A part of the hostile input. */
export type Part = keyof typeof CASES

/** `HOSTILE_RUNS=10` fires ten times as many. */
const multiplier = Number(process.env['HOSTILE_RUNS'] ?? 1)

/** The number of cases that a part promises to fire. */
export function casesOf (part: Part): number {
  return Math.ceil(CASES[part] * multiplier)
}

/** The number of cases of all parts together. */
export function allCases (): number {
  return (Object.keys(CASES) as Part[]).reduce((sum, part) => sum + casesOf(part), 0)
}

const FIRST_SEED = 20_261_124

/**
 * Where random begins: at the same place with every test, so that one does not fail for another reason than the change it is about,
 * and at one of its own with every long run; `HOSTILE_SEED` names it.
 */
export const seed: number = Number(process.env['HOSTILE_SEED'] ?? (process.env['HOSTILE_RUNS'] === undefined ? FIRST_SEED : Math.floor(Math.random() * 2 ** 31)))
