export interface Mistake {
  readonly name: string
  /** Whether it is found within hundreds of schedules. */
  readonly frequent?: true
  readonly changes: readonly (readonly [file: string, from: string, to: string])[]
}

export const mistakes: readonly Mistake[]
