import WebSocket from 'ws'

const MAX_BACKOFF_MS = 500

/**
 * Reads a channel as `new WebSocket(url)` does, which gives no position and gets nothing but messages. What it misses between two
 * connections it cannot ask for, so each begins behind a gap of its own, `left`; on a connection nothing may be missing.
 * Returns a function that ends it.
 */
export function readSocket (url, onMessage, { silenceMs, prng, onOpen, onClose, onGap, onError }) {
  let socket
  let timer
  let watchdog
  let stopped = false

  const connect = () => {
    onGap({ reason: 'left' })
    const current = socket = new WebSocket(url.replace(/^http/, 'ws'))
    // The service pings more often than that.
    const heard = () => {
      clearTimeout(watchdog)
      watchdog = setTimeout(() => { current.terminate() }, silenceMs)
    }
    heard()
    current.on('ping', heard).on('open', () => {
      heard()
      onOpen()
    }).on('message', (data) => {
      heard()
      try {
        const { message, id, channel } = JSON.parse(String(data))
        onMessage(message, { id, channel })
      } catch (error) {
        onError(error)
      }
    }).on('error', () => {}).on('close', (code, reason) => {
      clearTimeout(watchdog)
      if (stopped) return
      onClose({ code, reason: String(reason) })
      timer = setTimeout(connect, prng.next() * MAX_BACKOFF_MS)
    })
  }

  connect()
  return () => {
    stopped = true
    clearTimeout(timer)
    clearTimeout(watchdog)
    socket.removeAllListeners('message').removeAllListeners('open').terminate()
  }
}
