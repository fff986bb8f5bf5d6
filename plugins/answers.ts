import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import type { Grant } from '../src/access/grant.js'
import type { GapReason } from '../src/wire/events.js'
import { ClosedError, EngineUnavailableError, FullError } from '../src/errors.js'
import { isGone, keepOpen } from '../src/http/keep-open.js'
import { Answer, countOfAnswer } from '../src/transports/answer.js'
import { LongPollSubscriber } from '../src/transports/long-poll.js'
import { answerText, type Envelope, wrap } from '../src/wire/envelope.js'
import { formatId } from '../src/wire/id.js'
import type { RequestedSubscription } from './subscriptions.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** JSON answers with messages of a channel. */
    answers: Answers
  }
}

/** The body of an answer. */
export type AnswerPayload = Answer['payload']

export interface Answers {
  /** Answers with the kept messages, as many as fit in one answer. */
  read (subscription: RequestedSubscription, grant: Grant, address: string, reply: FastifyReply): Promise<AnswerPayload>
  /** Answers with the kept messages after a position, otherwise with the first ones that arrive in time. */
  poll (subscription: RequestedSubscription, grant: Grant, address: string, reply: FastifyReply): Promise<AnswerPayload>
  /** Answers a request for a companion with the members of its channel. */
  members (subscription: RequestedSubscription, grant: Grant, address: string, reply: FastifyReply): Promise<AnswerPayload>
}

/** Decorates the scope with JSON answers. Each is monitored, as part of the budget, until it was read or the connection is closed. */
export default fp(async (fastify) => {
  const { access, directory, hub, hub: { traffic }, journal, limits: { budget, stalls }, subscriptions } = fastify

  /** An answer with so many messages, of at least `bytes` bytes. */
  const send = (messages: number, bytes: number, textOf: () => string, address: string, reply: FastifyReply): AnswerPayload => {
    // The client has disconnected meanwhile.
    if (isGone(reply.raw)) return Buffer.alloc(0)
    let sending = false
    // Until the answer is sent, its status can still be an error.
    const lease = budget.open(address, () => { if (sending) reply.raw.destroy() })
    reply.raw.once('close', () => { lease.close() })
    // Before the memory for the text is allocated.
    lease.resize(bytes)
    if (!lease.isOpen) throw new FullError('MAX_BYTES_IN_FLIGHT')
    sending = true
    const answer = new Answer(Buffer.from(textOf()), reply.raw)
    traffic.deliver(messages, answer.unsentBytes)
    stalls.add(answer, address, lease)
    reply.raw.once('close', () => { stalls.delete(answer) })
    reply.header('content-length', answer.unsentBytes)
    return answer.payload
  }

  const payloadOf = (
    channel: string, envelopes: readonly Envelope[], id: string, reason: GapReason | undefined, address: string, reply: FastifyReply
  ): AnswerPayload => {
    const bytes = envelopes.reduce((sum, { text }) => sum + text.length, 0)
    return send(envelopes.length, bytes, () => answerText(channel, envelopes, id, reason), address, reply)
  }

  fastify.decorate('answers', {
    async read ({ channel, since = 'earliest', limit }, grant, address, reply) {
      const { epoch, after, entries, reason } = await hub.read(channel, since, limit)
      // The read may have taken long.
      access.authorizer.assertHolds(grant)
      traffic.stand(typeof since === 'object', reason)
      const taken = entries.slice(0, countOfAnswer(entries))
      const envelopes = taken.map((entry) => wrap(channel, entry))
      return payloadOf(channel, envelopes, formatId(epoch, after + taken.length), reason, address, reply)
    },
    async poll (subscription, grant, address, reply) {
      hub.assertRoom(subscription.channel)
      const subscriber = new LongPollSubscriber(subscription.waitMs, subscription.limit)
      const gone = (): void => { subscriber.terminate() }
      const letRest = keepOpen(reply.raw)
      reply.raw.once('close', gone)
      journal.opened(subscriber)
      subscriptions.join(subscriber, subscription, grant, address)
      const { envelopes, id, reason } = await subscriber.result
      journal.closed(subscriber, address)
      reply.raw.off('close', gone)
      letRest()
      subscriptions.leave(subscriber)
      if (id === '') throw hub.closing ? new ClosedError() : new EngineUnavailableError('not within the time to wait')
      return payloadOf(subscription.channel, envelopes, id, reason, address, reply)
    },
    async members ({ channel }, grant, address, reply) {
      const text = JSON.stringify(await directory.companion(channel))
      access.authorizer.assertHolds(grant)
      return send(0, text.length, () => text, address, reply)
    }
  } satisfies Answers)
}, {
  name: 'messenger-answers',
  dependencies: ['messenger-access', 'messenger-hub', 'messenger-journal', 'messenger-limits', 'messenger-subscriptions'],
  fastify: '5.x'
})
