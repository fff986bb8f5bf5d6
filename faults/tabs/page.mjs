/** A page with a tab's subscriptions. What they are told is taken by `flush()`. */
export const pageHtml = (server, channels, options = '') => `<!doctype html><meta charset="utf-8"><title>tab</title>
<script>
  // Which tab has a connection.
  window.sockets = new Set()
  window.WebSocket = class extends WebSocket {
    constructor (...args) {
      super(...args)
      sockets.add(this)
      this.addEventListener('close', () => sockets.delete(this))
    }
  }
  window.leads = () => [...sockets].some(({ readyState }) => readyState < 2)
</script>
<script src="${server}/client.shared.js" data-server="${server}"></script>
<script>
  window.last = {}
  let told = []
  window.flush = () => told.splice(0)
  addEventListener('error', ({ message }) => told.push(['', 'error', message]))
  addEventListener('unhandledrejection', ({ reason }) => told.push(['', 'error', String(reason)]))
  for (const channel of ${JSON.stringify(channels)}) {
    connectToChannel(channel, (number) => {
      last[channel] = number
      told.push([channel, 'message', number])
    }, {
      share: 'user',
      onOpen: () => told.push([channel, 'open', Date.now()]),
      onGap: ({ reason }) => told.push([channel, 'gap', reason]),
      onError: (error) => told.push([channel, 'error', String(error)]),
      onClose: ({ code, reason }) => told.push([channel, 'close', code + ' ' + reason]),
      ${options}
    })
  }
</script>`
