/** What `test/faults/options.test.ts` uses of `options.mjs`. */
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
