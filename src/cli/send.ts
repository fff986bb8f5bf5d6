import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { createPublisher, type PublishError, type Publication, type Publisher, RawJson } from '../publisher/index.js'
import { paintFor } from './colours.js'
import { assertChannelName, type Command, type Context, Exit, exitCodeOf, integerOf, parse, UsageError } from './command.js'
import { SERVICE_HELP, serviceOf } from './service.js'

const SECOND_MS = 1_000
const DEFAULT_RETRY_SECONDS = 30
const MAX_RETRY_SECONDS = 270
const MAX_WAIT_SECONDS = 30
/** Lines that are sent before the answers to earlier ones are awaited. */
const MAX_LINES_PENDING = 5_000

const help = `Usage: fastify-messenger send <channel> [json] [options]

Publishes a message, any JSON value but null and "", and prints the answer of the service as a line of JSON:
the id, the number of subscribers and, with --wait, the receipts. Without json the message is read from standard input.
The message is sent as it is written. What was not confirmed is repeated with the same idempotency key.

  --lines                  reads one message a line from standard input, and prints one answer a line, in order
  --idempotency-key <key>  the same key for the same channel within 5 minutes is delivered once;
                           with --lines the keys are <key>:1, <key>:2, …
  --wait <s>               waits 1 to ${MAX_WAIT_SECONDS} seconds for receipts: "received", "silent" and "unable" in the answer
  --retry <s>              repeats for 1 to ${MAX_RETRY_SECONDS} seconds; default ${DEFAULT_RETRY_SECONDS}
${SERVICE_HELP}

Exit codes: 0 sent; 1 refused or not confirmed, with --lines at least one line; 2 invalid arguments or JSON, nothing was sent;
130 and 143 ended by SIGINT and SIGTERM.`

const OPTIONS = {
  server: { type: 'string' },
  lines: { type: 'boolean' },
  'idempotency-key': { type: 'string' },
  wait: { type: 'string' },
  retry: { type: 'string' }
} as const

/** The arguments, parsed. */
interface Request {
  readonly channel: string
  readonly key: string | undefined
  readonly waitMs: number | undefined
}

export const send: Command = { help, run }

async function run (args: readonly string[], context: Context): Promise<number> {
  const { values, positionals: [channel, json, ...rest] } = parse(args, OPTIONS)
  if (channel === undefined) throw new UsageError('name a channel: send <channel> [json]')
  assertChannelName(channel)
  if (rest.length > 0) throw new UsageError('give one message, as one argument: put JSON in quotes')
  if (values.lines === true && json !== undefined) throw new UsageError('--lines reads from standard input: give no message as argument')
  const waitSeconds = integerOf('wait', values.wait, 1, MAX_WAIT_SECONDS)
  const retrySeconds = integerOf('retry', values.retry, 1, MAX_RETRY_SECONDS) ?? DEFAULT_RETRY_SECONDS
  const { base, token } = serviceOf(values.server, context.env)
  if (token === undefined) throw new UsageError('a token is needed: set MESSENGER_TOKEN or BEARER_TOKEN')
  const request = { channel, key: values['idempotency-key'], waitMs: waitSeconds === undefined ? undefined : waitSeconds * SECOND_MS }
  const text = values.lines === true ? undefined : checked(json ?? await readAll(context))

  let said = ''
  const publisher = createPublisher({
    server: base,
    token,
    retryForMs: retrySeconds * SECOND_MS,
    signal: context.signal,
    onRetry ({ error }) {
      if (said === error.message) return
      said = error.message
      say(context, 'yellow', `${said}, trying again for ${retrySeconds} s`)
    }
  })
  const failures = text === undefined ? await sendLines(publisher, request, context) : await sendOne(publisher, text, request, context)
  await publisher.close()
  if (context.signal.aborted) return exitCodeOf(context.signal)
  return failures > 0 ? Exit.FAILED : Exit.DONE
}

async function sendOne (publisher: Publisher, text: string, { channel, key, waitMs }: Request, context: Context): Promise<number> {
  return await report(publisher.publish(channel, new RawJson(text), { idempotencyKey: key, waitMs }), { channel, waitMs, context })
}

/** Sends the lines as they come. Resolves with the number of those that failed. */
async function sendLines (publisher: Publisher, { channel, key, waitMs }: Request, context: Context): Promise<number> {
  let number = 0
  let failures = 0
  let reported: Promise<unknown> = Promise.resolve()
  for await (const line of createInterface({ input: Readable.from(context.stdin), crlfDelay: Infinity })) {
    number++
    if (line.trim() === '') continue
    const prefix = `line ${number}: `
    const idempotencyKey = key === undefined ? undefined : `${key}:${number}`
    const publication = publisher.publish(channel, new RawJson(line), { idempotencyKey, waitMs })
    // Handled below, once the earlier ones are reported.
    publication.catch(() => {})
    reported = reported.then(async () => { failures += await report(publication, { channel, waitMs, context, prefix }) })
    if (publisher.pending >= MAX_LINES_PENDING) await publisher.flush()
  }
  await reported
  return failures
}

/** Where a result is reported. */
interface Report {
  readonly channel: string
  readonly waitMs: number | undefined
  readonly context: Context
  readonly prefix?: string
}

/** Prints the result of a publish. Resolves with the number of failures. */
async function report (publishing: Promise<Publication>, { channel, waitMs, context, prefix = '' }: Report): Promise<0 | 1> {
  const { stdout, signal } = context
  try {
    const publication = await publishing
    stdout.write(`${JSON.stringify({ channel, ...publication })}\n`)
    if (waitMs !== undefined && publication.received === undefined)
      say(context, 'yellow', `${prefix}the service has sent the message and gives no receipts for it`)
    return 0
  } catch (error) {
    const { message, code } = error as PublishError
    if (!signal.aborted) say(context, 'red', `${prefix}${message} (${code})`)
    return 1
  }
}

function say ({ stderr, env }: Context, colour: 'red' | 'yellow', text: string): void {
  stderr.write(`${paintFor(stderr, env)(colour, 'fastify-messenger send:')} ${text}\n`)
}

async function readAll ({ stdin, stderr }: Context): Promise<string> {
  if (stdin.isTTY === true) stderr.write('Type a message as JSON, and Ctrl+D at its end.\n')
  const chunks: Buffer[] = []
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString()
}

/** The text of a message. Throws {@link UsageError} where it is not JSON. */
function checked (text: string): string {
  if (text.trim() === '') throw new UsageError('there is no message: give JSON as second argument or on standard input')
  try {
    JSON.parse(text)
    return text
  } catch (error) {
    throw new UsageError(`the message is not JSON (${(error as Error).message}): a text needs double quotes, '"like this"'`)
  }
}
