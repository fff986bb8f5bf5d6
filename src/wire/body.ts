import { sliceElements, sliceMembers } from './json-slice.js'
import { SlicedJson } from './json.js'

/** Parses the body of a request to publish; its messages are carried as written. Throws SyntaxError for what is not JSON. */
export function parseBody (text: string): unknown {
  const json = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
  const body = JSON.parse(json) as unknown
  if (!isObject(body)) return body
  const members = sliceMembers(json)
  keepMessage(body, members)
  if (Array.isArray(body['messages'])) {
    const texts = sliceElements(members.get('messages') as string)
    for (const [index, entry] of (body['messages'] as unknown[]).entries()) {
      // A slice would keep the whole body in memory for as long as one message of it is in a log.
      if (isObject(entry)) keepMessage(entry, sliceMembers(Buffer.from(texts[index] as string).toString()))
    }
  }
  return body
}

function keepMessage (target: Record<string, unknown>, members: Map<string, string>): void {
  const message = members.get('message')
  if (message !== undefined) target['message'] = new SlicedJson(message)
}

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
