/** The reason for which a promise is rejected, or `undefined` when it is fulfilled. */
export async function rejectionOf (answer: Promise<unknown>): Promise<unknown> {
  try {
    await answer
    return undefined
  } catch (error) {
    return error
  }
}

/** The code in an error text of the server or client, such as WRONGPASS or ECONNREFUSED. The rest may contain addresses and names. */
export function codeOf (text: string): string {
  // A missing permission within a script has no code of its own before Redis 7.2.
  if (text.includes("can't run this command")) return 'NOPERM'
  return /\b(?:E[A-Z]{4,}|[A-Z]{5,}|OOM|ERR)\b/.exec(text)?.[0] ?? 'not available'
}

/** The error for keys that were changed by others so that the answer of a script makes no sense. */
export class DamageError extends Error {}

/** Whether the error is one of the keys that a script was given, which were changed by others, and not of the server. */
export function isDamage (error: unknown): boolean {
  const { message } = error as Error
  return error instanceof DamageError || (message.includes('user_script') && ['WRONGTYPE', 'ERR'].includes(codeOf(message)))
}

/** Whether the connection, rather than the server, failed to answer. */
export function isTimeout (error: unknown): boolean {
  return error instanceof Error && error.message === 'Command timed out'
}
