const SECOND_MS = 1_000

/** Keywords in the schema of an option besides those of TypeBox, which keeps them and gives them no meaning. */
export interface OptionMetadata {
  /** The variable of the environment; an option without one is for hosts alone. */
  readonly env?: string
  /** The unit of the variable, where it is not the one of the option: seconds of an option in milliseconds. */
  readonly unit?: 's'
  /** Whether the variable `<env>_FILE` may name a file that holds the value. */
  readonly file?: true
  /** Whether the variable names a file that holds the value as JSON. */
  readonly json?: true
  /** Describes the part of a value that breaks the rule, where the value as a whole would not show it. */
  readonly fault?: (value: unknown) => string | undefined
  /** Whether the variable is a list, separated by commas. */
  readonly list?: true
  /** Whether errors must not quote the value. */
  readonly secret?: true
  /** The rule as errors state it. Default: the range of the number. */
  readonly rule?: string
}

/** The parts of the schema of an option that are read at run time. */
export interface OptionSchema extends OptionMetadata {
  readonly type?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly default?: unknown
}

/** How many units of an option one unit of its variable makes. */
export function factorOf ({ unit }: OptionMetadata): number {
  return unit === 's' ? SECOND_MS : 1
}

/** The variables that set an option. */
export function variablesOf ({ env, file }: OptionMetadata): string[] {
  if (env === undefined) return []
  return file === true ? [env, `${env}_FILE`] : [env]
}

/** The rule for a value, as the errors and the documentation state it, in the unit of the variable or of the option. */
export function ruleOf ({ rule, minimum = 0, maximum = 0 }: OptionSchema, factor: number): string {
  return rule ?? `${factor === 1 ? 'an integer' : 'a number'} from ${minimum / factor} to ${maximum / factor}`
}
