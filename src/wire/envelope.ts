import { formatId, type Position } from './id.js'

/** A message with its position and the facts that its envelope states. */
export interface Enveloped extends Position {
  /** The message as JSON text on one line. */
  readonly message: string
  /** Milliseconds since 1970. */
  readonly time?: number | undefined
}

/** A message in the form for subscribers, encoded once and shared by all subscribers and transports. */
export interface Envelope {
  /** `"<epoch>:<offset>"` */
  readonly id: string
  /** `{"channel":…,"message":…,"receipt":true,"time":…,"id":…}` as JSON on one line; `receipt` only where it is asked for. */
  readonly text: string
}

/** Asks for an acknowledgement, as a member of a JSON object that follows others. */
const RECEIPT = ',"receipt":true'

/** Encodes a run of envelopes as bytes of one transport: one call, one buffer, whatever the number of subscribers. */
export type Encode = (envelopes: readonly Envelope[]) => Buffer

/**
 * Wraps the JSON text of a message. The channel's name and the id are concatenated unescaped: the rules for both exclude
 * characters that JSON would escape. A message asks for a receipt where its publisher waits for one, and not on replay.
 */
export function wrap (channel: string, { message, time, epoch, offset }: Enveloped, receipt = false): Envelope {
  const id = formatId(epoch, offset)
  return { id, text: `{"channel":"${channel}","message":${message}${receipt ? RECEIPT : ''}${timeText(time)},"id":"${id}"}` }
}

/** The time as members of a JSON object that follow others; empty without one. */
export function timeText (time: number | undefined): string {
  return time === undefined ? '' : `,"time":${time}`
}

/** The answer of a request that does not stream: messages, and the id to continue from. */
export function answerText (channel: string, envelopes: readonly Envelope[], id: string, reason: string | undefined): string {
  const messages = envelopes.map(({ text }) => text).join(',')
  const standing = reason === undefined ? '"recovered":true' : `"recovered":false,"reason":"${reason}"`
  return `{"channel":"${channel}","messages":[${messages}],"id":"${id}",${standing}}`
}
