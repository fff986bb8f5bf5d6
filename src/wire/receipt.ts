/** The longest wait of a publisher for receipts, in milliseconds. */
export const MAX_WAIT_MS = 30_000

/** A reference to the wait of a publisher, which travels with its message to every instance. */
export interface ReceiptReference {
  /** The instance that waits. */
  readonly instance: string
  /** Milliseconds for which it waits. */
  readonly waitMs: number
}

const REFERENCE = /^([A-Za-z0-9_-]{1,64})\.[0-9a-z]{1,12}\.([1-9][0-9]{0,4})$/

/** The text of a reference; its number is unique to the instance. */
export function formatReference ({ instance, waitMs }: ReceiptReference, number: number): string {
  return `${instance}.${number.toString(36)}.${waitMs}`
}

/** The reference of a text, or `undefined` where the text is none. */
export function parseReference (text: string): ReceiptReference | undefined {
  const [, instance, waitMs] = REFERENCE.exec(text) ?? []
  return instance === undefined || !(Number(waitMs) <= MAX_WAIT_MS) ? undefined : { instance, waitMs: Number(waitMs) }
}
