import { sliceMembers } from './json-slice.js'
import { RawJson } from './json.js'

/** Parses the body of a request to publish; its `message` is carried as written. Throws SyntaxError for what is not JSON. */
export function parseBody (text: string): unknown {
  const json = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
  const body = JSON.parse(json) as unknown
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
  const message = sliceMembers(json).get('message')
  return message === undefined ? body : { ...body, message: new RawJson(message) }
}
