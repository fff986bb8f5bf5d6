import { BatchInvalidError, BodyInvalidError } from '../errors.js'
import { JsonScanner } from './json-scan.js'
import { type RawJson, SlicedJson } from './json.js'

/** Maximum number of entries of a batch, and of channels of one message. */
export const MAX_ENTRIES = 1_000
/** Maximum number of members of an object, unknown ones included. */
const MAX_MEMBERS = 100
const BYTE_ORDER_MARK = Buffer.from('\ufeff')

type Read = (scanner: JsonScanner) => unknown
/** The known members of an object by key. All others have to be JSON and are skipped. */
type Members = Readonly<Record<string, Read | undefined>>

const entryMembers: Members = members({ channel: scalar, message, idempotencyKey: scalar })
const bodyMembers: Members = members({ message, messages: list('messages', entry), channels: list('channels', scalar) })

/**
 * Parses the body of a request to publish; messages are carried as written and each is a text of its own, so that none keeps the
 * body in memory. Throws SyntaxError for invalid JSON, and MSG_ERR_BATCH_INVALID or MSG_ERR_BODY_INVALID as soon as a list is too
 * long or an object too large. A value of the wrong type stays one: any list or object is then represented by an empty one.
 */
export function parseBody (bytes: Buffer): unknown {
  const scanner = new JsonScanner(bytes, bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0)
  const body = object(scanner, bodyMembers)
  scanner.end()
  return body
}

// Without a prototype: `constructor` is not a known member.
function members (known: Members): Members {
  return Object.assign(Object.create(null) as Members, known)
}

function object (scanner: JsonScanner, known: Members): unknown {
  if (scanner.kind !== 'object') return scalar(scanner)
  const found: Record<string, unknown> = {}
  let count = 0
  scanner.members((key) => {
    if (++count > MAX_MEMBERS) throw new BodyInvalidError(`an object beside the messages has more than ${MAX_MEMBERS} members`)
    const read = known[key]
    if (read === undefined) scanner.skip()
    else found[key] = read(scanner)
  })
  return found
}

function entry (scanner: JsonScanner): unknown {
  return object(scanner, entryMembers)
}

function message (scanner: JsonScanner): RawJson {
  return new SlicedJson(scanner.take())
}

function scalar (scanner: JsonScanner): unknown {
  const { kind } = scanner
  if (kind === 'scalar') return JSON.parse(scanner.take())
  scanner.skip()
  return kind === 'array' ? [] : {}
}

function list (name: string, element: Read): Read {
  return (scanner) => {
    if (scanner.kind !== 'array') return scalar(scanner)
    const found: unknown[] = []
    scanner.elements(() => {
      if (found.length === MAX_ENTRIES) throw new BatchInvalidError(`${name}: at most ${MAX_ENTRIES} are accepted`)
      found.push(element(scanner))
    })
    return found
  }
}
