import { ask } from './api.js'
import { count, duration } from './format.js'

/** The answer of the server to a message. */
interface Sent {
  id: string
  subscribers: number
  received?: number
  silent?: number
  unable?: number
  latencyMs?: { p50: number, max: number }
}

export type Outcome =
  | { kind: 'sent', id: string, summary: string, receipt?: Receipt, latency?: string, note: string }
  | { kind: 'token', problem: string }
  | { kind: 'failed', problem: string }

/** The receipt of a message: the numbers of its subscribers. */
export interface Receipt {
  received: number
  silent: number
  unable: number
}

/** Publishes JSON as it is written. `waitSeconds`: how long to wait for receipts, 0 for not at all. Never rejects. */
export async function publish (channel: string, json: string, token: string, waitSeconds: number): Promise<Outcome> {
  const answer = await ask<Sent>(`send/${encodeURIComponent(channel)}`, {
    token,
    method: 'POST',
    body: `{"message":${json}}`,
    headers: waitSeconds > 0 ? { Prefer: `wait=${waitSeconds}` } : {},
    timeoutMs: (waitSeconds + 15) * 1_000
  })
  if (answer.kind === 'ok') {
    const { id, subscribers, received, silent = 0, unable = 0, latencyMs } = answer.value
    const note = waitSeconds > 0 && received === undefined ? 'No receipts: this service does not count them, or not for so many subscribers.' : ''
    return {
      kind: 'sent',
      id,
      note,
      summary: subscribers === 0 ? 'Kept; nobody is subscribed' : `Delivered to ${count(subscribers, 'subscriber')}`,
      ...received !== undefined && { receipt: { received, silent, unable } },
      ...latencyMs !== undefined && { latency: `half within ${duration(latencyMs.p50 / 1_000)}, the last after ${duration(latencyMs.max / 1_000)}` }
    }
  }
  if (answer.kind === 'absent') return { kind: 'failed', problem: 'There is no service that publishes at this address.' }
  if (answer.kind === 'refused' && answer.code !== 'MSG_ERR_CHANNEL_FORBIDDEN' && answer.code !== 'MSG_ERR_ORIGIN_FORBIDDEN') {
    return { kind: 'token', problem: `The token is wrong: the service answered ${answer.status}, and nothing was pushed.` }
  }
  if (answer.status === 0) return { kind: 'failed', problem: 'The service cannot be reached. Nothing is known about this message; try again.' }
  return { kind: 'failed', problem: `The service answered ${answer.status}: ${answer.message}` }
}
