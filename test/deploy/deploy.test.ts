import { execFile, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { readConfig, VARIABLES } from '../../src/config.js'
import { ask, port, startService } from '../helper.js'

interface Variable { name?: string, key?: string }
interface Kubernetes {
  kind: string
  metadata: { name: string }
  spec: { template?: { spec: { terminationGracePeriodSeconds: number, containers: Container[] } }, scaleTargetRef?: { name: string } }
}
interface Container { env: Variable[], livenessProbe: Probe, readinessProbe: Probe, ports: Array<{ containerPort: number }> }
interface Probe { httpGet: { path: string } }
interface Compose { services: Record<string, ComposeService> }
interface ComposeService { environment?: object, stop_grace_period?: string, depends_on?: Record<string, { condition: string }> }

const run = promisify(execFile)
const read = (file: string): string => readFileSync(join('deploy', file), 'utf8')
const DRAIN_SECONDS = readConfig({}).messenger.drainMs / 1_000

t.test('the files of deploy/', async (t) => {
  t.test('give a process longer to end than it drains', async (t) => {
    const times = [
      parseInt((parse(read('compose.yaml')) as Compose).services['messenger']?.stop_grace_period ?? ''),
      (parse(read('render.yaml')) as { services: Array<{ maxShutdownDelaySeconds: number }> }).services[0]?.maxShutdownDelaySeconds,
      (JSON.parse(read('railway.json')) as { deploy: { drainingSeconds: number } }).deploy.drainingSeconds,
      Number(/TimeoutStopSec=(\d+)s/.exec(read('fastify-messenger.service'))?.[1]),
      ecosystem().kill_timeout / 1_000,
      deployment().spec.template?.spec.terminationGracePeriodSeconds
    ]
    for (const time of times) t.ok(Number(time) > DRAIN_SECONDS, String(time))
  })

  t.test('set variables that the service has', async (t) => {
    const names = [
      ...Object.keys((parse(read('compose.yaml')) as Compose).services['messenger']?.environment ?? {}),
      ...(parse(read('render.yaml')) as { services: Array<{ envVars: Variable[] }> }).services.flatMap(({ envVars }) => envVars.map(({ key }) => key)),
      ...container().env.map(({ name }) => name),
      ...[...read('fly.toml').matchAll(/^ {2}([A-Z_]+) =/gm)].map(([, name]) => name)
    ]
    for (const name of names) t.ok(VARIABLES.includes(String(name)), String(name))
  })

  t.test('probe paths that the service answers', async (t) => {
    const app = await startService(t)
    const { livenessProbe, readinessProbe } = container()
    const paths = [livenessProbe.httpGet.path, readinessProbe.httpGet.path, ...['fly.toml', 'render.yaml', 'railway.json', 'haproxy.cfg', 'Caddyfile', 'traefik.yaml'].map((file) => {
      return /(?:path = "|healthCheckPath: |"healthcheckPath": "|option httpchk GET |health_uri |path: )([^"\s]+)/.exec(read(file))?.[1] ?? file
    })]
    for (const path of paths) t.match(await ask(app, path), { status: 200 }, path)
  })

  t.test('name each other in Kubernetes', async (t) => {
    const documents = kubernetes()
    t.same(documents.map(({ kind }) => kind), ['Deployment', 'Service', 'HorizontalPodAutoscaler'])
    t.equal(documents[2]?.spec.scaleTargetRef?.name, deployment().metadata.name)
  })

  t.test('start the messenger behind Redis, and nginx behind both, in Compose', async (t) => {
    const { services } = parse(read('compose.yaml')) as Compose
    t.same(services['messenger']?.depends_on, { redis: { condition: 'service_healthy' } })
    t.same(services['nginx']?.depends_on, { messenger: { condition: 'service_healthy' } })
  })

  t.test('are a unit that systemd takes', { skip: spawnSync('systemd-analyze', ['--version']).error ? 'systemd-analyze is not on this machine' : false }, async (t) => {
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', 'deploy/fastify-messenger.service'], { encoding: 'utf8' })
    t.equal(status, 0, stderr)
  })

  t.test('start the program that the build makes under pm2', async (t) => {
    t.match(ecosystem(), { wait_ready: true, script: /\/dist\/src\/server\.js$/ })
    t.ok(existsSync(ecosystem().script))
  })
})

t.test('the image', async (t) => {
  const text = readFileSync('Dockerfile', 'utf8')

  t.test('is healthy while the service lives', async (t) => {
    const [, command = ''] = /HEALTHCHECK .*\\\n\s+CMD (\[.*\])/.exec(text) ?? []
    const [program = '', ...args] = JSON.parse(command) as string[]
    const app = await startService(t)
    const env = { PATH: process.env['PATH'], PORT: String(port(app)) }
    await run(program, args, { env })
    await app.close()
    await t.rejects(run(program, args, { env }), { code: 1 })
  })

  t.test('tells what to do without a token', async (t) => {
    const [, settings = ''] = /^ENV (.*)$/m.exec(text) ?? []
    const env = Object.fromEntries(settings.split(' ').map((setting) => setting.split('=') as [string, string]))
    t.throws(() => readConfig(env), { message: /^BEARER_TOKEN must be set .*openssl rand -hex 32/ })
  })

  t.test('holds nothing that .dockerignore withholds', async (t) => {
    const sent = readFileSync('.dockerignore', 'utf8').match(/^!(.*)$/gm)?.map((line) => line.slice(1)) ?? []
    const copied = [...text.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, files = '']) => files.split(' '))
    for (const file of [...copied, 'LICENSE']) t.ok(sent.includes(file), file)
  })
})

function kubernetes (): Kubernetes[] {
  return parseAllDocuments(read('kubernetes.yaml')).map((document) => document.toJS() as Kubernetes)
}

function deployment (): Kubernetes {
  return kubernetes()[0] as Kubernetes
}

function container (): Container {
  return deployment().spec.template?.spec.containers[0] as Container
}

function ecosystem (): { script: string, kill_timeout: number } {
  const { apps: [app] } = createRequire(import.meta.url)('../../deploy/ecosystem.config.cjs') as { apps: [{ script: string, kill_timeout: number }] }
  return app
}
