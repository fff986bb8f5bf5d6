import { endsConnection, type Refusal, wrongRefusal } from './contract.js'
import { brief, exchange, type RawAnswer, type RawRequest } from './http-wire.js'
import type { Target } from './target.js'
import type { Acknowledged, Witness } from './witness.js'

/** A request whose answer the contract knows. */
export interface Attempt extends RawRequest {
  /** Why it is refused; empty when it is taken. */
  refusals: readonly Refusal[]
  /** Where the contract leaves open whether it is taken: a reason to refuse it that is none to another reader of it. */
  debatable?: boolean
  /** The message that is delivered when the request is accepted, and its channel. */
  publishes?: { channel: string, text?: string, value?: unknown }
  /** Further checks of the answer to an accepted request; returns the fault. */
  wrong?: (answer: RawAnswer) => string | undefined
}

/** An attempt that was taken and published something. */
export interface Taken extends Acknowledged {
  channel: string
}

/**
 * Sends the requests, throws unless each gets an answer that the contract allows, and gives what was published; then each
 * witness must have got that and nothing else.
 */
export async function attempt (
  target: Target, attempts: readonly Attempt[], witnesses: Readonly<Record<string, Witness>>
): Promise<Taken[]> {
  const answers = await exchange(target.port, attempts)
  const taken: Taken[] = []
  let failure: string | undefined
  for (const [index, one] of attempts.entries()) {
    const answer = answers[index]
    const wrong = wrongAnswer(one, answer)
    if (wrong !== undefined) failure ??= `${wrong}\n  asked: ${brief(one.wire)}\n  answered: ${answer?.status} ${brief(answer?.body ?? '')}`
    if (one.publishes !== undefined && answer?.status === 200) {
      const { id, duplicate } = JSON.parse(answer.body) as { id: string, duplicate?: true }
      if (duplicate === undefined) taken.push({ id, ...one.publishes })
    }
  }
  const verdicts = await Promise.allSettled(Object.entries(witnesses).map(([channel, witness]) =>
    witness.verify(taken.filter((one) => one.channel === channel))))
  // Only now, so that all witnesses are ready for the next cases.
  if (failure !== undefined) throw new Error(failure)
  for (const verdict of verdicts) if (verdict.status === 'rejected') throw verdict.reason
  return taken
}

function wrongAnswer ({ refusals, debatable, publishes, wrong }: Attempt, answer: RawAnswer | undefined): string | undefined {
  // After a reset while the request is read, the answer may be lost.
  if (answer === undefined) return endsConnection(refusals) ? undefined : 'There was no answer'
  if (answer.status >= 200 && answer.status < 300 && (refusals.length === 0 || debatable === true)) {
    if (publishes !== undefined && !/^\{"status":"Message sent","id":"[A-Za-z0-9_-]+:[1-9]\d*","subscribers":\d+(,"duplicate":true)?\}$/.test(answer.body)) return 'The answer is not that of a publish'
    return wrong?.(answer)
  }
  if (refusals.length === 0) return 'It was not taken'
  const reason = wrongRefusal(answer, refusals)
  return reason === undefined ? undefined : `The answer is wrong: ${reason}`
}
