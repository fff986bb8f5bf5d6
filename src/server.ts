#!/usr/bin/env node
import { existsSync, realpathSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import closeWithGrace from 'close-with-grace'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import { answerClientError } from './http/client-errors.js'
import { sendError } from './http/error-reply.js'
import { limitSockets } from './http/socket-limits.js'
import { pathOf } from './http/redaction.js'
import { hubOf } from './channels/registry.js'
import { type Config, readConfig } from './config.js'
import { InternalError, NotFoundError, UrlInvalidError } from './errors.js'
import { proxyTrust } from './http/proxies.js'
import { messenger } from './messenger.js'
import { onSignals } from './signals.js'
import { removeStaleSocket } from './unix-socket.js'
import { answerTo } from './usage.js'

/** Longer than any name, so that the error for a long one is that of names and not that of the router. */
const MAX_PARAM_LENGTH = 4_096

/** Connections that may wait to be accepted: thousands of clients reconnect at once. The system may allow fewer. */
const LISTEN_BACKLOG = 16_384
/** Time limit for the headers of a request, and interval of the check for overdue requests. */
const MAX_HEADERS_TIMEOUT_MS = 15_000
const CONNECTIONS_CHECK_MS = 1_000
/** Connections beside those of subscribers: for publishers and short requests. */
const SPARE_CONNECTIONS = 1_000
const INTERRUPT_DRAIN_MS = 500
/** Left to `onSignals`: close-with-grace ends the process at every second signal, and some of these cannot be handled at all. */
const SIGNALS_OF_CLOSE_WITH_GRACE: closeWithGrace.AllEvents[] = [
  'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV', 'SIGUSR2', 'SIGTERM'
]
/** Time after the drain after which the process ends in any case, with exit code 1. */
const CLOSE_MARGIN_MS = 5_000
/** Time limit for requests in progress after the drain. */
const STRAGGLER_MS = 1_000

/** Starts the service configured by `env`. Rejects, with nothing left running, when a value is invalid or the port is in use. */
export async function start (env: NodeJS.ProcessEnv): Promise<FastifyInstance> {
  return await serve(readConfig(env))
}

async function serve (config: Config, beforeListening: (app: FastifyInstance) => void = () => {}): Promise<FastifyInstance> {
  const app = createApp(config)
  try {
    await app.register(messenger, config.messenger)
    for (const warning of config.warnings) app.log.warn(warning)
    beforeListening(app)
    await listen(app, config)
    return app
  } catch (error) {
    await app.close()
    throw error
  }
}

async function listen (app: FastifyInstance, { port, host, path }: Config): Promise<void> {
  if (path === undefined) {
    await app.listen({ port, host, backlog: LISTEN_BACKLOG })
  } else {
    await removeStaleSocket(path)
    // As accessible as a port of this machine; the permissions of the directory restrict it.
    await app.listen({ path, backlog: LISTEN_BACKLOG, readableAll: true, writableAll: true })
  }
}

function createApp (config: Config): FastifyInstance {
  const { logLevel, trustProxy, maxHeaderBytes, requestTimeoutMs, maxSocketsPerAddress, messenger: { maxConnections } } = config
  const app: FastifyInstance = Fastify({
    trustProxy: Array.isArray(trustProxy) ? proxyTrust(trustProxy) : trustProxy,
    // Ends requests that arrive slowly; those of streams and WebSockets are complete.
    requestTimeout: requestTimeoutMs,
    http: {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: Math.min(MAX_HEADERS_TIMEOUT_MS, requestTimeoutMs),
      connectionsCheckingInterval: CONNECTIONS_CHECK_MS
    },
    // The routes answer while the messenger closes, with an error body of this package.
    return503OnClosing: false,
    logger: logLevel === 'silent' ? false : { level: logLevel },
    // Two log lines per message would cost more than the message.
    logController: new LogController({ disableRequestLogging: true }),
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    clientErrorHandler (error, socket) { answerClientError(error, socket, hubOf(app.channels).counters) },
    // A URL that the router cannot decode reaches no route.
    frameworkErrors (_error, _request, reply) { sendError(new UrlInvalidError(), reply) }
  })
  app.server.maxConnections = maxConnections + SPARE_CONNECTIONS
  limitSockets(app.server, { maxSocketsPerAddress, trustProxy, counters: () => hubOf(app.channels).counters })
  const answerNotFound = (request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    sendError(new NotFoundError(request.method, pathOf(request.url)), reply)
  app.setNotFoundHandler(answerNotFound)
  // Before the body is read.
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404) answerNotFound(request, reply)
    else done()
  })
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    if (error.statusCode !== undefined && error.statusCode < 500) return sendError(error, reply)
    request.log.error(error)
    return sendError(new InternalError(), reply)
  })
  return app
}

/** Runs the service until a signal ends it. */
async function main (): Promise<void> {
  try {
    const args = process.argv.slice(2)
    const answer = answerTo(args)
    if (answer !== undefined) { process.stdout.write(`${answer}\n`); return }
    const config = readConfig(process.env)
    if (args.length > 0) config.warnings.push(`${args.join(' ')} has no effect: the service is configured by its environment, see --help`)
    // A signal may follow as soon as the log says that the service listens.
    await serve(config, (app) => { endOnSignals(app, config.messenger.drainMs) })
    // For a process manager that waits for it before it ends the replaced process.
    process.send?.('ready')
  } catch (error) {
    // One line: the value to change matters, not the place in the code.
    // The listeners for signals and messages keep the process alive.
    process.stderr.write(`fastify-messenger: ${(error as Error).message}\n`, () => { process.exit(1) })
  }
}

/** Closes the app and ends the process on a signal, or on an unforeseen error. */
function endOnSignals (app: FastifyInstance, drainMs: number): void {
  let ended: NodeJS.Signals | undefined
  const options = { delay: drainMs + CLOSE_MARGIN_MS, logger: app.log, skip: SIGNALS_OF_CLOSE_WITH_GRACE }
  const { close } = closeWithGrace(options, async ({ err }) => {
    if (err) app.log.error(err)
    // Before the server closes, so that requests are answered meanwhile; shorter for Ctrl+C, where a person waits.
    await hubOf(app.channels).close(ended === 'SIGINT' ? INTERRUPT_DRAIN_MS : undefined)
    // Connections with an incomplete request are not idle to Node, and would keep the server open.
    setTimeout(() => { app.server.closeAllConnections() }, STRAGGLER_MS).unref()
    await app.close()
  })
  onSignals({
    close (signal) {
      ended = signal
      close()
    },
    abort (signal) {
      app.log.error(`second ${signal}, exiting`)
      process.exit(1)
    }
  })
}

/** Whether a program is the main one of Node, with or without its extension, or of pm2, which loads it. */
function isMain (own: string): boolean {
  const paths = [process.argv[1], process.env['pm_exec_path']].filter((path) => path !== undefined)
  return paths.flatMap((path) => [path, `${path}${extname(own)}`]).some((file) => {
    return existsSync(file) && realpathSync(file) === own
  })
}

if (isMain(realpathSync(fileURLToPath(import.meta.url)))) await main()
