import { get } from 'node:http'
import WebSocket from 'ws'
import { eventParser } from './event-stream.mjs'
import { sharedUrl } from './shared-url.mjs'

/*
 * One connection with several channels, as a client opens it that knows nothing but the wire. Each function takes
 * - `base`, `channels` and `since`, the position of each, in their order;
 * - `token` and `silenceMs`, after which the connection is lost;
 * - `onText(text, cursor)`, called with each message and each event, and on an event stream with the position of the connection behind it;
 * - `onClose({ code, reason, retryMs })`, called once, unless the connection is stopped before.
 * It returns `stop()` and, where the client may speak, `send(frame)`.
 */

/** A WebSocket on which the client may change its channels and its token. */
export function openFrames (base, { channels, since, token, silenceMs, onText, onClose }) {
  let watchdog
  const protocols = token === undefined ? [] : ['messenger', `token.${token}`]
  const socket = new WebSocket(sharedUrl(base.replace(/^http/, 'ws'), channels, since, { frames: '' }), protocols)
  // The service pings more often than that.
  const heard = () => {
    clearTimeout(watchdog)
    watchdog = setTimeout(() => { socket.terminate() }, silenceMs)
  }
  heard()
  socket.on('ping', heard).on('open', heard).on('message', (data) => {
    heard()
    onText(String(data))
  }).on('error', () => {}).on('close', (code, reason) => {
    clearTimeout(watchdog)
    onClose({ code, reason: String(reason) })
  })
  return {
    send (frame) { socket.send(JSON.stringify(frame)) },
    stop () {
      clearTimeout(watchdog)
      socket.removeAllListeners('message').removeAllListeners('close').terminate()
    }
  }
}

/** Server-Sent Events: the `id:` of each event is the cursor of the connection. `lastEventId` is what `EventSource` has of one before. */
export function openEvents (base, { channels, since, lastEventId, token, silenceMs, onText, onClose }) {
  const url = sharedUrl(base, channels, since, { token })
  let retryMs
  return stream(url, { accept: 'text/event-stream', ...lastEventId !== undefined && { 'last-event-id': lastEventId } }, silenceMs, eventParser(({ id, data }) => {
    if (data !== undefined) onText(data, id)
  }, (ms) => { retryMs = ms }), (end) => { onClose({ ...end, retryMs }) })
}

/** A stream of lines. */
export function openLines (base, { channels, since, token, silenceMs, onText, onClose }) {
  let rest = ''
  const take = (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()
    for (const line of lines) if (line !== '') onText(line)
  }
  return stream(sharedUrl(base, channels, since, { heartbeat: '' }), { accept: 'application/x-ndjson', authorization: `Bearer ${token}` }, silenceMs, take, onClose)
}

/** The body of a response, in pieces of text. */
function stream (url, headers, silenceMs, take, onClose) {
  let reason = 'end of stream'
  let stopped = false
  const request = get(url, { headers, agent: false, timeout: silenceMs }, (response) => {
    let refusal = ''
    const read = response.statusCode === 200 ? take : (text) => { refusal += text }
    response.setEncoding('utf8').on('data', (text) => { if (!stopped) read(text) }).on('error', (error) => { reason = error.code })
    response.on('end', () => { if (response.statusCode !== 200) reason = `HTTP ${response.statusCode} ${refusal}` })
  })
  request.on('timeout', () => { reason = 'silence'; request.destroy() })
  request.on('error', (error) => { reason = error.code ?? error.message })
  request.on('close', () => { if (!stopped) onClose({ code: 0, reason }) })
  return {
    stop () {
      stopped = true
      request.destroy()
    }
  }
}
