import { setMaxListeners } from 'node:events'
import WebSocket from 'ws'

/** A failed connection is reported by an `error` event, which without a listener would end a process of Node.js. */
class PageSocket extends WebSocket {
  constructor (url, protocols) {
    super(url, protocols)
    this.on('error', ignore)
  }
}

const page = new EventTarget()
// Each connected channel of each subscriber listens.
setMaxListeners(0, page)

Object.assign(globalThis, {
  WebSocket: PageSocket,
  location: { href: 'http://127.0.0.1/' },
  addEventListener: page.addEventListener.bind(page)
})

// It looks for its globals as it loads.
const { connectToChannel } = await import('../dist/client/index.js')

/** The browser client as it is shipped, in one page that all subscribers share. */
export { connectToChannel }

/** Tells the page that the network is back, as a browser does. */
export function goOnline () {
  page.dispatchEvent(new Event('online'))
}

function ignore () {}
