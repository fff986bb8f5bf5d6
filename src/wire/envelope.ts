import { formatId } from './id.js'

/** A message in the form for subscribers, encoded once and shared by all subscribers and transports. */
export interface Envelope {
  /** `"<epoch>:<offset>"` */
  readonly id: string
  /** `{"channel":…,"message":…,"id":…}` as JSON on one line. */
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
export function wrap (channel: string, message: string, epoch: string, offset: number, receipt = false): Envelope {
  const id = formatId(epoch, offset)
  return { id, text: `{"channel":"${channel}","message":${message}${receipt ? RECEIPT : ''},"id":"${id}"}` }
}

/** The answer of a request that does not stream: messages, and the id to continue from. */
export function answerText (channel: string, envelopes: readonly Envelope[], id: string, reason: string | undefined): string {
  const messages = envelopes.map(({ text }) => text).join(',')
  const standing = reason === undefined ? '"recovered":true' : `"recovered":false,"reason":"${reason}"`
  return `{"channel":"${channel}","messages":[${messages}],"id":"${id}",${standing}}`
}
