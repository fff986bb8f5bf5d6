/** The code of what `promise` rejects with. */
export async function rejection (promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'no rejection'
  } catch (error) {
    return codeOf(error)
  }
}

/** The code of what `call` throws. */
export function thrown (call: () => unknown): string {
  try {
    call()
    return 'nothing thrown'
  } catch (error) {
    return codeOf(error)
  }
}

function codeOf (error: unknown): string {
  return (error as { code?: string }).code ?? String(error)
}
