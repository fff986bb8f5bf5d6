const TIME = /,"time":[1-9][0-9]{12}(?=,"id":"[^"]*"\}$)/

/** The text of an envelope without its time, the one part that a test cannot know. Throws where none stands before the id. */
export function untimedText (text: string): string {
  if (!TIME.test(text)) throw new Error(`No time before the id: ${text}`)
  return text.replace(TIME, '')
}

/** The same of the value of an envelope. */
export function untimed (envelope: unknown): unknown {
  return JSON.parse(untimedText(JSON.stringify(envelope)))
}
