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

/** What all parts fire together. */
export function allCases (): number {
  return (Object.keys(CASES) as Part[]).reduce((sum, part) => sum + casesOf(part), 0)
}

/** Where random begins; `HOSTILE_SEED` repeats a run. */
export const seed: number = Number(process.env['HOSTILE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
