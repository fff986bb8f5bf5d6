/** The format of messages over HTTP. */
export type Format = 'text/event-stream' | 'application/x-ndjson' | 'application/json'

// A map, because every object also has a `constructor`, which a client may name as a type.
const FORMATS = new Map<string, Format>([
  ['text/event-stream', 'text/event-stream'],
  ['application/x-ndjson', 'application/x-ndjson'],
  // Unregistered names of the same format.
  ['application/ndjson', 'application/x-ndjson'],
  ['application/jsonl', 'application/x-ndjson'],
  ['application/x-jsonlines', 'application/x-ndjson'],
  ['application/json', 'application/json'],
  ['application/*', 'application/json'],
  ['*/*', 'application/json']
])

/**
 * The preferred format of an `Accept` header (RFC 9110, section 12.5.1); of equal ones the first.
 * JSON for a header without a supported one, which the section allows.
 */
export function negotiate (accept = '*/*'): Format {
  let best: Format = 'application/json'
  let bestQuality = 0
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const quality = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1)
    const format = FORMATS.get(type)
    if (format !== undefined && quality > bestQuality) {
      best = format
      bestQuality = quality
    }
  }
  return best
}
