/** Digits of `master_replid` at the beginning of a term. */
const SERVER_DIGITS = 12

/** The answer of a server to INFO replication. */
export interface Replication {
  /** The server's part of a term; a replica has that of its master. `undefined` where the answer does not tell. */
  readonly server: string | undefined
  readonly isMaster: boolean
  /** The position up to which the server has written. */
  readonly offset: number
  /** The position that each replica has confirmed. Empty where the answer does not tell that of every replica. */
  readonly replicas: readonly number[]
}

/** Accepts any value and cannot throw. */
export function parseReplication (info: unknown): Replication {
  const text = typeof info === 'string' ? info : ''
  const replicas = Array.from(text.matchAll(/^slave\d+:.*\boffset=(\d+)/gm), ([, offset]) => Number(offset))
  return {
    server: /^master_replid:(\w{12})/m.exec(text)?.[1],
    isMaster: /^role:master\b/m.test(text),
    offset: Number(/^master_repl_offset:(\d+)/m.exec(text)?.[1] ?? Infinity),
    replicas: replicas.length === Number(/^connected_slaves:(\d+)/m.exec(text)?.[1]) ? replicas : []
  }
}

/** The server whose term that is: its own, or a logical one on it. */
export const serverOf = (term: string): string => term.slice(0, SERVER_DIGITS)
