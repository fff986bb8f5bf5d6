// `npm run environments`: the service behind proxies, under pm2 and with other versions of Node. What is not on the machine is skipped:
// nginx, haproxy, caddy (Debian has all three), pm2, and what `npm exec --package node@<version>` finds.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../scripts/free-port.mjs'
import { eventually, exists, publish, report, SERVER, start, startService, TOKEN } from './service.mjs'

const WebSocket = createRequire(import.meta.url)('ws')
const ECOSYSTEM = fileURLToPath(new URL('../deploy/ecosystem.config.cjs', import.meta.url))
const VERSIONS = [20, 22, 24, 26]
const scratch = mkdtempSync(join(tmpdir(), 'environments-'))

/** Subscribes in every way at an address, publishes there, and waits for each to have the message. */
async function tryTransports (origin, { page = origin } = {}) {
  const controller = new AbortController()
  const problems = []
  const texts = new Map()
  const take = (name, data) => { texts.set(name, `${texts.get(name) ?? ''}${data}`) }
  const subscribe = async (name, path, accept) => {
    try {
      const response = await fetch(`${origin}/${path}`, { headers: { accept, origin: page }, signal: controller.signal })
      if (!response.ok) throw new Error(`${name}: ${response.status}`)
      for await (const chunk of response.body) take(name, Buffer.from(chunk))
    } catch (error) {
      if (!controller.signal.aborted) problems.push(error.message)
    }
  }
  const streams = ['text/event-stream', 'application/x-ndjson']
  for (const accept of streams) void subscribe(accept, 'room', accept)
  // Has the message, whether it is asked for before or after the publish.
  void subscribe('poll', 'room?since=earliest&wait=20', 'application/json')
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/room?since=now`, { origin: page })
  socket.on('message', (data) => { take('websocket', data) }).on('error', (error) => { problems.push(error.message) })

  const all = async (names, text) => {
    await eventually(() => {
      if (problems.length > 0) throw new Error(problems.join('; '))
      return names.every((name) => texts.get(name)?.includes(text))
    }, `${text} at ${names.join(', ')}`, 10)
  }
  try {
    await all([...streams, 'websocket'], 'subscribed')
    await publish(origin, 'room', 'hello')
    await all([...streams, 'websocket', 'poll'], 'hello')
  } finally {
    controller.abort()
    socket.terminate()
  }
}

async function behind (command, configure, { scheme = 'http', path = '' } = {}) {
  if (!await exists(command, [command === 'caddy' ? 'version' : '-v'])) return `no ${command}`
  const port = await freePort()
  const service = await startService({ ALLOWED_ORIGINS: 'https://example.com', TRUST_PROXY: 'loopback', MAX_CONNECTIONS_PER_ADDRESS: '10' })
  const proxy = start(command, configure(service.port, port))
  try {
    const page = `${scheme}://127.0.0.1:${port}`
    await eventually(async () => await fetch(`${page}${path}/-/ready`).then(({ ok }) => ok, () => false), 'the service behind the proxy')
    await tryTransports(`${page}${path}`, { page })
    const forged = await fetch(`${page}${path}/room`, { headers: { origin: 'https://elsewhere.example' } })
    if (forged.status !== 403) throw new Error(`a page of another origin is answered with ${forged.status}`)
  } finally {
    await Promise.all([proxy.end(), service.end('SIGKILL')])
  }
}

/** Writes a configuration of deploy/ to the scratch directory, with the ports of this run; returns its path. */
function configured (name, upstream, replacements) {
  let text = readFileSync(fileURLToPath(new URL(`../deploy/${name}`, import.meta.url)), 'utf8')
  for (const [shipped, own] of [['messenger:3000', `127.0.0.1:${upstream}`], ...replacements]) {
    if (text === (text = text.replace(shipped, own))) throw new Error(`deploy/${name} has no ${shipped}`)
  }
  const path = join(scratch, name)
  writeFileSync(path, text)
  return path
}

function nginx (upstream, port) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${scratch}/${name};`).join(' ')
  const path = configured('nginx.conf', upstream, [['listen 8080', `listen 127.0.0.1:${port}`], [/resolver .*;/, `access_log off; ${temporary}`]])
  return ['-c', path, '-g', `daemon off; pid ${scratch}/nginx.pid; error_log stderr;`]
}

function haproxy (upstream, port) {
  return ['-f', configured('haproxy.cfg', upstream, [['bind :8080', `bind 127.0.0.1:${port}`]])]
}

function caddy (upstream, port) {
  const path = configured('Caddyfile', upstream, [[/^:8080 /m, `{\n\tadmin off\n\tstorage file_system ${scratch}\n}\nhttp://127.0.0.1:${port} `]])
  return ['run', '--adapter', 'caddyfile', '--config', path]
}

/** Ends TLS, with a certificate that nobody else knows, and removes a path. */
function caddyTls (upstream, port) {
  const path = join(scratch, 'Caddyfile.tls')
  writeFileSync(path, `{
\tadmin off
\tstorage file_system ${scratch}
\tskip_install_trust
\tauto_https disable_redirects
\tdefault_sni 127.0.0.1
}
https://127.0.0.1:${port} {
\ttls internal
\thandle_path /rt/* {
\t\treverse_proxy 127.0.0.1:${upstream}
\t}
}
`)
  return ['run', '--adapter', 'caddyfile', '--config', path]
}

/** Takes certificates that nobody else knows while something runs. */
async function trustingAll (run) {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
  try {
    return await run()
  } finally {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
  }
}

/** Starts the service by pm2; several processes without Redis are several messengers. */
async function pm2 (args, { isOne = true } = {}) {
  const command = process.env.PM2 ?? 'pm2'
  const env = { PM2_HOME: join(scratch, 'pm2'), BEARER_TOKEN: TOKEN, HOST: '127.0.0.1' }
  if (!await exists(command, ['--version'])) return `no ${command}; PM2 names another`
  const port = await freePort()
  try {
    const started = start(command, ['start', ...args], { env: { ...env, PORT: String(port) } })
    if (await started.exited !== 0) throw new Error(started.output())
    await eventually(async () => await fetch(`http://127.0.0.1:${port}/-/ready`).then(({ ok }) => ok, () => false), 'the service under pm2')
    if (isOne) await tryTransports(`http://127.0.0.1:${port}`)
  } finally {
    await start(command, ['kill'], { env }).exited
  }
}

async function node (version) {
  const found = start('npm', ['exec', '--yes', '--package', `node@${version}`, '--', 'node', '-p', 'process.execPath'], { cwd: scratch })
  const code = await found.exited
  const path = found.output().trim().split('\n').at(-1)
  if (code !== 0) return `npm has no node@${version} for this machine`
  const service = await startService({}, path)
  try {
    await tryTransports(service.origin)
    if (await service.end() !== 0) throw new Error(`it does not end: ${service.output()}`)
  } finally {
    await service.end('SIGKILL')
  }
}

await report([
  ['nginx', async () => await behind('nginx', nginx)],
  ['haproxy', async () => await behind('haproxy', haproxy)],
  ['caddy', async () => await behind('caddy', caddy)],
  ['caddy, TLS and a path', async () => await trustingAll(async () => await behind('caddy', caddyTls, { scheme: 'https', path: '/rt' }))],
  ['pm2, fork', async () => await pm2([SERVER, '--wait-ready'])],
  ['pm2, cluster', async () => await pm2([SERVER, '--wait-ready', '-i', '2'], { isOne: false })],
  ['pm2, ecosystem.config.cjs', async () => await pm2([ECOSYSTEM])],
  ...VERSIONS.map((version) => [`Node ${version}`, async () => await node(version)])
])
rmSync(scratch, { recursive: true })
