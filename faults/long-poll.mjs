import { Agent, get } from 'node:http'
import { parseId } from './ledger.mjs'

const WAIT_SECONDS = 2
const MAX_BACKOFF_MS = 500
const LIMIT = 1_000

/**
 * Reads a channel with one request after the other, each from where the last answer ended, over plain sockets and without
 * any help of the browser client. Returns a function that ends it.
 */
export function readPolls (url, onMessage, { since, silenceMs, prng, onOpen, onPosition, onClose, onGap, onError }) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  let cursor = since
  let isOpen = false
  let timer
  let stopped = false

  const take = ({ messages, id, recovered, reason }) => {
    if (!isOpen) onOpen()
    isOpen = true
    const first = messages[0]?.id ?? id
    // Another epoch without a gap: what was asked for stands for the same place there.
    if (!recovered) onGap({ reason, id: messages.length === 0 ? id : undefined })
    else if (cursor === undefined || messages.length === 0) onPosition(id)
    else if (parseId(first)?.epoch !== parseId(cursor).epoch) onPosition(`${parseId(first)?.epoch}:${parseId(cursor).offset}`)
    for (const { message, id, channel } of messages) onMessage(message, { id, channel })
    cursor = id
  }

  const fail = (reason) => {
    if (isOpen) onClose({ code: 0, reason })
    isOpen = false
    timer = setTimeout(poll, prng.next() * MAX_BACKOFF_MS)
  }

  const poll = async () => {
    // The first request only asks where the channel stands.
    const query = cursor === undefined ? 'since=now' : `since=${cursor}&wait=${WAIT_SECONDS}&limit=${LIMIT}`
    try {
      const { status, text } = await ask(`${url}?${query}`, agent, WAIT_SECONDS * 1_000 + silenceMs)
      if (stopped) return
      if (status !== 200) { fail(`HTTP ${status}`); return }
      take(JSON.parse(text))
      if (!stopped) void poll()
    } catch (error) {
      if (stopped) return
      if (error instanceof SyntaxError) onError(error)
      fail(error.code ?? error.message)
    }
  }

  void poll()
  return () => {
    stopped = true
    clearTimeout(timer)
    agent.destroy()
  }
}

function ask (url, agent, timeoutMs) {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent, headers: { accept: 'application/json' }, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => { text += chunk }).on('error', reject)
      response.on('end', () => { resolve({ status: response.statusCode, text }) })
    })
    request.on('error', reject)
  })
}
