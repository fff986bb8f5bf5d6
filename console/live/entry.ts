/** A message in a tail. */
export interface Message {
  kind: 'message'
  channel: string
  id: string
  /** As it is written. */
  json: string
  /** Milliseconds since 1970. */
  time: number
  /** Whether the time is the server's; otherwise it is that of the arrival. */
  timed: boolean
  from: string | undefined
}

/** Something else that happened on a channel. */
export interface Note {
  kind: 'note'
  tone: 'warn' | 'bad'
  channel: string
  text: string
  time: number
}

export type Entry = Message | Note

/** The approximate memory use of an entry, in bytes. */
export function sizeOf (entry: Entry): number {
  return 200 + 2 * (entry.kind === 'message' ? entry.json.length : entry.text.length)
}
