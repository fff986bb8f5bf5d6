/** Types of the part of `options.mjs` that `test/faults/options.test.ts` uses. */
export interface Options {
  seeds: string[]
  setup: 'redis' | 'sentinel' | 'cluster' | undefined
  messages: number
  faults: number
  instances: number
  busy: boolean
  minReplicas: boolean
}

export function readOptions (args: string[], env: Record<string, string>): Options
export function commandOf (options: Options, seed: string): string
