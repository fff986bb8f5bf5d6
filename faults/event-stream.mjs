import { get } from 'node:http'

const MAX_BACKOFF_MS = 500

/**
 * Reads Server-Sent Events as `EventSource` does (HTML standard, section 9.2), over plain sockets and without any help of
 * the browser client: nothing is dropped, put in order or guessed, so that what the server does wrong is seen.
 * Unlike `EventSource` it takes silence for a lost connection, and comes back at a random time.
 * Returns a function that ends it.
 */
export function readEventStream (url, onMessage, { since, silenceMs, prng, onOpen, onPosition, onClose, onGap, onError }) {
  let lastId = since
  let retryMs = MAX_BACKOFF_MS
  let timer
  let request
  let stopped = false

  const dispatch = ({ event, id, data }) => {
    if (id !== undefined) lastId = id
    if (data === undefined) return
    try {
      const body = JSON.parse(data)
      if (event !== 'subscribed') { onMessage(body.message, { id: body.id, channel: body.channel }); return }
      onOpen()
      if (body.recovered) onPosition(body.id)
      else onGap({ reason: body.reason, id: body.id })
    } catch (error) {
      onError(error)
    }
  }

  const connect = () => {
    const headers = { accept: 'text/event-stream', ...lastId !== undefined && { 'last-event-id': lastId } }
    let reason = 'end of stream'
    const current = request = get(url, { headers, agent: false, timeout: silenceMs }, (response) => {
      if (response.statusCode !== 200) { reason = `HTTP ${response.statusCode}`; response.destroy(); return }
      const parse = eventParser(dispatch, (ms) => { retryMs = ms })
      response.setEncoding('utf8').on('data', (text) => { if (!stopped) parse(text) }).on('error', (error) => { reason = error.code })
    })
    current.on('timeout', () => { reason = 'silence'; current.destroy() })
    current.on('error', (error) => { reason = error.code ?? error.message })
    current.on('close', () => {
      if (stopped) return
      onClose({ code: 0, reason })
      timer = setTimeout(connect, prng.next() * retryMs)
      retryMs = MAX_BACKOFF_MS
    })
  }

  connect()
  return () => {
    stopped = true
    clearTimeout(timer)
    request.destroy()
  }
}

/** Takes text in pieces of any size and calls back with each complete event. */
export function eventParser (onEvent, onRetry) {
  let rest = ''
  let event = {}
  return (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()
    for (const line of lines) {
      if (line === '') {
        onEvent(event)
        event = {}
        continue
      }
      const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line)
      if (field === 'retry') onRetry(Number(value))
      else if (field === 'data') event.data = event.data === undefined ? value : `${event.data}\n${value}`
      else if (field !== '') event[field] = value
    }
  }
}
