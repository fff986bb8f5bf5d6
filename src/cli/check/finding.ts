/** A line of the report. */
export interface Finding {
  readonly level: 'ok' | 'warn' | 'fail'
  readonly subject: string
  /** What was found and, unless it is fine, what to change. Never a secret. */
  readonly text: string
}
