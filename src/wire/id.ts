/**
 * A position in a channel's log: that of a message, or the one before the first (offset 0).
 * On the wire it is the id `"<epoch>:<offset>"`.
 */
export interface Position {
  /** Identifies the numbering. Another one begins with a lost log, and with each term of a Redis server. */
  readonly epoch: string
  /** 1, 2, 3… without holes; 0 while the log is empty. */
  readonly offset: number
}

const ID = /^([A-Za-z0-9_-]{1,64}):(0|[1-9][0-9]{0,15})$/

/** The id of a position. */
export function formatId (epoch: string, offset: number): string {
  return `${epoch}:${offset}`
}

/** The position of an id, or `undefined` when the text is not an id. */
export function parseId (id: string): Position | undefined {
  const [, epoch, offset] = ID.exec(id) ?? []
  if (epoch === undefined || offset === undefined || Number(offset) > Number.MAX_SAFE_INTEGER) return undefined
  return { epoch, offset: Number(offset) }
}
