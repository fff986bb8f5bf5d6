import { decoded, kindAt, partsOf } from './parts.js'

/** The fields of a frame of the server, or of an entry of the answer to a poll, that the console uses. */
export interface Envelope {
  channel?: string
  event?: string
  id?: string
  from?: string
  /** Milliseconds since 1970 at which the server took the message. */
  time?: number | undefined
  /** The message as it is written. */
  json?: string
}

const NAMES = ['channel', 'event', 'id', 'from'] as const

/**
 * The envelopes of a frame: one, or before those of its messages the one of the answer to a poll. None where the text is not an
 * object in JSON.
 */
export function envelopesOf (frame: string): Envelope[] {
  const found: Envelope[] = []
  try {
    if (kindAt(frame, 0) === 'object') collect(frame, 0, found)
  } catch {
    // Unknown data, from a server of another version or from a proxy, is ignored.
  }
  return found
}

function collect (text: string, start: number, found: Envelope[]): void {
  const envelope: Envelope = {}
  found.push(envelope)
  for (const part of partsOf(text, start)) {
    const kind = kindAt(text, part.start)
    const value = (): string => text.slice(part.start, part.end)
    const name = NAMES.find((name) => name === part.key)
    if (part.key === 'message') envelope.json = value()
    else if (name !== undefined && kind === 'string') envelope[name] = decoded(value())
    else if (part.key === 'time' && kind === 'number') envelope.time = dateOf(Number(value()))
    else if (part.key === 'messages' && kind === 'array') {
      for (const entry of partsOf(text, part.start)) if (kindAt(text, entry.start) === 'object') collect(text, entry.start, found)
    }
  }
}

/** The time if it is a valid date, which can be shown. */
function dateOf (time: number): number | undefined {
  return Number.isNaN(new Date(time).getTime()) ? undefined : time
}
