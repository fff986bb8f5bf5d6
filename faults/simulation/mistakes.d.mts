export interface Mistake {
  readonly name: string
  /** Whether it is found within hundreds of schedules. */
  readonly frequent?: true
  /** The number of schedules that may be needed, where 10,000 are too few. */
  readonly within?: number
  readonly changes: readonly (readonly [file: string, from: string, to: string])[]
}

export const mistakes: readonly Mistake[]
