/** A line of the report. */
export interface Finding {
  readonly level: 'ok' | 'warn' | 'fail'
  readonly subject: string
  /** The finding and, unless it is fine, its remedy. Never contains a secret. */
  readonly text: string
}
