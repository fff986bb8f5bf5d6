import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { connect } from 'node:net'

/**
 * Pages that use the client in one place or way each. Each is handed messages of `room` until it has one that is `marker`, and
 * tells the site: `/report?name=…&result=…`.
 */
export function environments (service) {
  const script = `<script src="${service}/client.js"></script>`
  const watch = (name, options = '') => `connectToChannel('room', (message) => { if (message === 'marker') report('${name}', 'received') }, { since: 'earliest', ${options} })`
  const report = `const report = (name, result) => fetch(origin_ + '/report?name=' + name + '&result=' + encodeURIComponent(result))`
  const page = (body, headers = {}) => ({ html: `<!doctype html><meta charset="utf-8"><script>const origin_ = location.origin; ${report}</script>${body}`, headers })
  const blob = (code) => `URL.createObjectURL(new Blob([${JSON.stringify(code)}.replaceAll('ORIGIN', location.origin)], { type: 'text/javascript' }))`
  const worker = (code) => `const origin_ = 'ORIGIN'; ${report}; ${code}`
  const frame = (name, options, sandbox = '') => {
    const inner = `<!doctype html>${script}<script>const origin_ = 'ORIGIN'; ${report}; try { ${watch(name, options)} } catch (error) { report('${name}', error) }</script>`
    return page(`<iframe ${sandbox}></iframe><script>document.querySelector('iframe').srcdoc = ${JSON.stringify(inner).replaceAll('</', '<\\/')}.replaceAll('ORIGIN', location.origin)</script>`)
  }
  return {
    'script-tag': page(`<script src="${service}/client.js" data-server="${service}"></script><script>${watch('script-tag')}</script>`),
    http: page(`${script}<script>${watch('http', `server: '${service}', transport: 'http'`)}</script>`),
    'no-websocket': page(`<script>delete window.WebSocket</script>${script}<script>${watch('no-websocket', `server: '${service}'`)}</script>`),
    'policy-without-websocket': page(`${script}<script>${watch('policy-without-websocket', `server: '${service}'`)}</script>`, { 'content-security-policy': `connect-src 'self' ${service}; default-src * 'unsafe-inline'` }),
    module: page(`<script type="module">import { connectToChannel } from '${service}/client.mjs'; ${watch('module', `server: '${service}'`)}</script>`),
    'module-data-server': page(`<script type="module" src="${service}/client.js" data-server="${service}"></script><script type="module">${watch('module-data-server')}</script>`),
    srcdoc: frame('srcdoc', ''),
    sandbox: frame('sandbox', `server: '${service}'`, 'sandbox="allow-scripts"'),
    'sandbox-http': frame('sandbox-http', `server: '${service}', transport: 'http'`, 'sandbox="allow-scripts"'),
    'blob-worker': page(`<script>new Worker(${blob(worker(`importScripts('${service}/client.js'); ${watch('blob-worker')}`))})</script>`),
    'module-worker': page(`<script>new Worker(${blob(worker(`import('${service}/client.mjs').then(({ connectToChannel }) => ${watch('module-worker')})`))}, { type: 'module' })</script>`)
  }
}

/**
 * Starts a site with a page that holds all of them in frames and passes everything else on to the service. `received` resolves
 * once each has reported, with the names of those that did not receive the marker within `timeoutMs`.
 */
export async function startEnvironments (service, timeoutMs) {
  const pages = environments(service)
  const missing = new Map(Object.keys(pages).map((name) => [name, 'nothing was received']))
  let finish
  const received = new Promise((resolve) => { finish = () => { resolve(Object.fromEntries(missing)) } })
  const { hostname, port } = new URL(service)
  const sockets = new Set()
  const site = createServer((incoming, outgoing) => {
    const { pathname, searchParams } = new URL(incoming.url, 'http://site')
    const page = pages[pathname.slice(1)]
    if (pathname === '/') {
      outgoing.writeHead(200, { 'content-type': 'text/html' }).end(Object.keys(pages).map((name) => `<iframe src="/${name}"></iframe>`).join(''))
    } else if (pathname === '/report') {
      const name = searchParams.get('name')
      if (searchParams.get('result') === 'received') missing.delete(name)
      else missing.set(name, searchParams.get('result'))
      outgoing.writeHead(204, { 'access-control-allow-origin': '*' }).end()
      if (missing.size === 0) finish()
    } else if (page !== undefined) {
      outgoing.writeHead(200, { 'content-type': 'text/html', ...page.headers }).end(page.html)
    } else {
      const forwarded = request({ host: hostname, port, path: incoming.url, headers: incoming.headers }, (answer) => {
        outgoing.writeHead(answer.statusCode, answer.headers)
        answer.pipe(outgoing)
      })
      forwarded.on('error', () => { outgoing.destroy() }).end()
      outgoing.on('close', () => { forwarded.destroy() })
    }
  })
  site.on('connection', (socket) => { sockets.add(socket.on('error', () => {}).on('close', () => { sockets.delete(socket) })) })
  site.on('upgrade', ({ url, rawHeaders }, socket) => {
    const upstream = connect(port, hostname, () => {
      upstream.write(`GET ${url} HTTP/1.1\r\n${rawHeaders.map((text, index) => text + (index % 2 ? '\r\n' : ': ')).join('')}\r\n`)
      upstream.pipe(socket).pipe(upstream)
    })
    upstream.on('error', () => {}).on('close', () => { socket.destroy() })
    socket.on('close', () => { upstream.destroy() })
  })
  site.listen(0, '127.0.0.1')
  await once(site, 'listening')
  const timer = setTimeout(finish, timeoutMs)
  return {
    url: `http://127.0.0.1:${site.address().port}/`,
    received,
    names: Object.keys(pages),
    close () {
      clearTimeout(timer)
      site.close()
      for (const socket of sockets) socket.destroy()
    }
  }
}
