// Parsers for the answers of the register's scripts. They accept any value and cannot throw.

/** The answer of JOIN. */
export type JoinAnswer = { readonly status: 'again', readonly term: string } | { readonly status: 'joined', readonly id: string }

/** The answer of DECIDE. */
export type DecideAnswer =
  | { readonly status: 'again', readonly term: string }
  | { readonly status: 'waiting', readonly missing: number }
  | { readonly status: 'decided', readonly complete: boolean }

/** The register as LOOK shows it, without the instances that have left. */
export interface RegisterView {
  readonly term: string
  readonly decided: boolean
  readonly instances: ReadonlyMap<string, { readonly compared: string, readonly safe: boolean }>
}

export function parseJoinAnswer (answer: unknown): JoinAnswer | undefined {
  const [status, value] = listOf(answer)
  if (typeof value !== 'string') return undefined
  if (status === 'again') return { status, term: value }
  return status === 'joined' ? { status, id: value } : undefined
}

export function parseDecideAnswer (answer: unknown): DecideAnswer | undefined {
  const [status, ...values] = listOf(answer)
  if (status === 'again' && typeof values[0] === 'string') return { status, term: values[0] }
  if (status === 'waiting' && typeof values[0] === 'number') return { status, missing: values[0] }
  return status === 'decided' ? { status, complete: values[0] === 1 } : undefined
}

export function parseLookAnswer (answer: unknown): RegisterView | undefined {
  const [term, decided, ...rows] = listOf(answer)
  if (typeof term !== 'string') return undefined
  const instances = new Map<string, { compared: string, safe: boolean }>()
  for (let index = 0; index + 2 < rows.length; index += 3) {
    const [id, compared, safe] = rows.slice(index, index + 3)
    if (typeof id === 'string' && typeof compared === 'string') instances.set(id, { compared, safe: safe === '1' })
  }
  return { term, decided: decided === 1, instances }
}

function listOf (answer: unknown): unknown[] {
  return Array.isArray(answer) ? answer : []
}
