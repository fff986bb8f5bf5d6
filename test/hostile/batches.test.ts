import fc from 'fast-check'
import t from 'tap'
import { RandomJson } from '../wire/random-json.js'
import { casesOf } from './cases.js'
import { isMissing, parsedJson, type Refusal, refusalsOfName, wrongRefusal } from './contract.js'
import { hostile } from './hostile.js'
import { brief, exchange } from './http-wire.js'
import { publishing, utf8 } from './request.js'
import { MAX_MESSAGE_BYTES, startTarget } from './target.js'
import { volley } from './volley.js'
import { type Acknowledged, Witness } from './witness.js'

const WATCHED = ['room', 'other']

/** An entry as it is written, what is wrong with it, and what it publishes. */
interface Entry {
  text: string
  refusals: readonly Refusal[]
  channel: string
  message: string
}

interface Batch {
  body: string
  refusals: readonly Refusal[]
  /** Indexes of entries of which the answer must name one; none where something else may be wrong. */
  faulty: readonly number[]
  publishes: readonly Entry[]
}

const Name = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(...WATCHED) },
  fc.constantFrom('', 'a b', 'é', '../room', 'client.js', '__proto__', 'constructor', 'room\0', 'a'.repeat(101), 'a'.repeat(100), '%72oom', '\ud800')
)
const Message = fc.oneof(
  { weight: 20, arbitrary: fc.nat().map((seed) => new RandomJson(seed).value(3)) },
  fc.constantFrom('null', '""', '0', 'false', '{}', '{"__proto__":1}', `"${'a'.repeat(MAX_MESSAGE_BYTES - 2)}"`, `"${'a'.repeat(MAX_MESSAGE_BYTES - 1)}"`)
)
const Key = fc.oneof({ weight: 20, arbitrary: fc.constant(undefined) }, fc.uuid(), fc.constantFrom('', 'é', '\n', 'k'.repeat(256)), fc.uuid().map((key) => key.padEnd(255, ' ')))

const WellFormed = fc.tuple(Name, Message, Key, fc.boolean()).map(([channel, message, key, messageFirst]): Entry => {
  const members = [`"channel":${JSON.stringify(channel)}`, `"message": ${message}`]
  if (messageFirst) members.reverse()
  if (key !== undefined) members.push(`"idempotencyKey":${JSON.stringify(key)}`)
  return {
    text: `{${members.join(', ')}}`,
    refusals: [
      ...refusalsOfName(channel, 'publish'),
      ...(isMissing(JSON.parse(message)) ? ['MESSAGE_MISSING'] : []),
      ...(message.length > MAX_MESSAGE_BYTES ? ['MESSAGE_TOO_LARGE'] : []),
      ...(key !== undefined && !/^[ -~]{1,255}$/.test(key) ? ['IDEMPOTENCY_KEY_INVALID'] : [])
    ],
    channel,
    message
  }
})
const Malformed = fc.constantFrom('null', '1', '"room"', '[]', '{}', '{"channel":"room"}', '{"message":1}', '{"channel":1,"message":1}', '{"channel":null,"message":1}', '{"channel":["room"],"message":1}', '{"channel":"room","message":1,"idempotencyKey":1}', '{"channel":"room","message":1,"idempotencyKey":null}', '{"__proto__":{"channel":"room"},"message":1}')
  .map((text): Entry => ({ text, refusals: ['BATCH_INVALID', 'MESSAGE_MISSING'], channel: '', message: '' }))

function batchOf (body: string, entries: readonly Entry[]): Batch {
  const faulty = entries.flatMap(({ refusals }, index) => refusals.length > 0 ? [index] : [])
  return { body: utf8(body), refusals: entries.flatMap(({ refusals }) => refusals), faulty, publishes: faulty.length > 0 ? [] : entries }
}

const Messages = fc.array(fc.oneof({ weight: 40, arbitrary: WellFormed }, Malformed), { minLength: 1, maxLength: 12 }).map((entries) => batchOf(`{"messages":[${entries.map(({ text }) => text).join(',')}]}`, entries))

const Channels = fc.tuple(fc.array(Name, { minLength: 1, maxLength: 8 }), Message).map(([names, message]) => batchOf(`{"message": ${message},"channels":${JSON.stringify(names)}}`, names.map((channel) => ({
  text: '',
  channel,
  message,
  refusals: [...refusalsOfName(channel, 'publish'), ...(isMissing(JSON.parse(message)) ? ['MESSAGE_MISSING'] : []), ...(message.length > MAX_MESSAGE_BYTES ? ['MESSAGE_TOO_LARGE'] : [])]
}))))

/** Bodies that have none of the two forms. */
const Formless = fc.oneof(
  fc.constantFrom('{}', '{"message":1}', '{"messages":[],"channels":[]}', '{"messages":1}', '{"messages":null}', '{"messages":"x"}', '{"messages":{}}', '{"messages":{"0":{"channel":"room","message":1},"length":1}}', '{"channels":"room","message":1}', '{"channels":{"0":"room"},"message":1}', '{"channels":[1],"message":1}', '{"channels":[null],"message":1}', '{"channels":[["room"]],"message":1}', '{"messages":[{"channel":"room","message":1}],"channels":["room"],"message":1}', '{"__proto__":{"messages":[{"channel":"room","message":1}]}}', '{"Messages":[{"channel":"room","message":1}]}'),
  fc.constant(`{"messages":[${Array(1_001).fill('{"channel":"room","message":1}').join(',')}]}`),
  fc.constant(`{"channels":[${Array(1_001).fill('"room"').join(',')}],"message":1}`),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  fc.tuple(Messages, fc.nat()).map(([{ body }, at]) => body.slice(0, at % body.length))
).map((body): Batch => {
  const value = parsedJson(Buffer.from(body, 'latin1'))
  return { body, refusals: [typeof value === 'object' && value !== null && !Array.isArray(value) ? 'BATCH_INVALID' : 'BODY_INVALID'], faulty: [], publishes: [] }
})

t.test('batches', async (t) => {
  const target = await startTarget(t)
  await hostile(t, target, async (t) => {
    t.test('are published whole and in order, or not at all and with the index of what is malformed', async (t) => {
      const witnesses = await Promise.all(WATCHED.map(async (channel) => ({ channel, witness: await Witness.on(t, target, channel) })))
      await volley(t, fc.oneof({ weight: 5, arbitrary: Messages }, { weight: 3, arbitrary: Channels }, { weight: 2, arbitrary: Formless }), casesOf('batches'), async (batches) => {
        const answers = await exchange(target.port, batches.map(({ body }) => ({ wire: publishing({ target: '/send', body }) })))
        const taken: (Acknowledged & { channel: string })[] = []
        let failure: string | undefined
        for (const [index, batch] of batches.entries()) {
          const answer = answers[index] ?? { status: 0, headers: new Map<string, string>(), body: '' }
          const wrong = batch.refusals.length > 0
            ? wrongRefusal(answer, batch.refusals) ?? wrongIndex(answer.body, batch.faulty)
            : collect(answer.body, batch.publishes, taken)
          if (wrong !== undefined) failure ??= `${wrong}\n  asked: ${brief(batch.body)}\n  answered: ${answer.status} ${brief(answer.body)}`
        }
        const verdicts = await Promise.allSettled(witnesses.map(({ channel, witness }) =>
          witness.verify(taken.filter((one) => one.channel === channel))))
        if (failure !== undefined) throw new Error(failure)
        for (const verdict of verdicts) if (verdict.status === 'rejected') throw verdict.reason
      })
    })
  })
})

function wrongIndex (body: string, faulty: readonly number[]): string | undefined {
  const named = (index: number): boolean => new RegExp(`(Entry |messages/)${index}\\b`).test((JSON.parse(body) as { message: string }).message)
  return faulty.length === 0 || faulty.some(named) ? undefined : `The answer names none of ${faulty.join()}`
}

/** Adds what a batch published to `taken`, or says why the answer is not one to it. */
function collect (body: string, entries: readonly Entry[], taken: (Acknowledged & { channel: string })[]): string | undefined {
  const { status, results } = JSON.parse(body) as { status?: string, results?: { channel: string, id: string }[] }
  if (status !== 'Messages sent' || results?.length !== entries.length) return 'It was not taken'
  for (const [index, { channel, message }] of entries.entries()) {
    const result = results[index]
    if (result?.channel !== channel || !/^[A-Za-z0-9_-]+:[1-9]\d*$/.test(result.id)) return `Result ${index} is not one`
    taken.push({ id: result.id, channel, text: message })
  }
  return undefined
}
