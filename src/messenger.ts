import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import access from '../plugins/access.js'
import bearerAuth from '../plugins/bearer-auth.js'
import channels from '../plugins/channels.js'
import errors from '../plugins/errors.js'
import hosts from '../plugins/hosts.js'
import jsonBody from '../plugins/json-body.js'
import limits from '../plugins/limits.js'
import origins from '../plugins/origins.js'
import pipelining from '../plugins/pipelining.js'
import validator from '../plugins/validator.js'
import websocket from '../plugins/websocket.js'
import files from '../routes/files.js'
import health from '../routes/health.js'
import limitCounts from '../routes/limits.js'
import pageRoute from '../routes/page.js'
import preflight from '../routes/preflight.js'
import revocationsRoute from '../routes/revocations.js'
import send from '../routes/send.js'
import sendBatch from '../routes/send-batch.js'
import subscribe from '../routes/subscribe.js'
import tokens from '../routes/tokens.js'
import { serializersWithoutToken } from './access/redact.js'
import { Revocations } from './access/revocations.js'
import { LimitCounters } from './limits/limit-counters.js'
import { type MessengerOptions, resolveOptions } from './options.js'
import { publicFiles } from './public-files.js'
import { parseBody } from './wire/body.js'

/**
 * The messenger as a Fastify plugin: `await app.register(messenger, { prefix: '/rt', token: 'secret' })`.
 * Decorates the app with `channels` and adds its routes under the prefix, in a scope of their own, so that the host's
 * parsers, validators and error handler stay as they are. Register it before routes that are to accept WebSockets, and after
 * @fastify/websocket where the host uses that itself.
 */
export const messenger = fp<MessengerOptions>(async (fastify, options) => {
  const resolved = resolveOptions(options)
  const { prefix, page, maxMessageBytes, maxReceivedBytes, pingIntervalMs, upgradeTimeoutMs, drainMs, tokenMaxTtlMs, authorize, allowedHosts } = resolved
  const { allowedOrigins = authorize === undefined ? ['*'] : [] } = resolved
  const counters = new LimitCounters()
  const revocations = new Revocations()

  // First: its hooks must know of an upgrade before any other hook can answer it.
  await fastify.register(websocket, { upgradeTimeoutMs, drainMs, counters })
  await fastify.register(channels, { ...resolved, reserved: publicFiles(), counters, onNotice: (text) => { revocations.add(text) } })

  await fastify.register(async (scope: FastifyInstance) => {
    await scope.register(hosts, { allowedHosts })
    await scope.register(validator)
    await scope.register(errors, { maxMessageBytes, counters })
    await scope.register(origins, { allowedOrigins })
    await scope.register(limits, { ...resolved, counters })
    await scope.register(pipelining)
    await scope.register(access, { ...resolved, revocations })
    await scope.register(bearerAuth)
    await scope.register(files, { page })
    if (page) await scope.register(pageRoute)
    await scope.register(health)
    await scope.register(limitCounts)
    await scope.register(async (publishing) => {
      await publishing.register(jsonBody, { parse: parseBody, maxMessageBytes })
      await publishing.register(send, { maxMessageBytes })
      await publishing.register(sendBatch, { maxMessageBytes })
    })
    await scope.register(async (operating) => {
      await operating.register(jsonBody, { parse: (bytes) => JSON.parse(bytes.toString()) as unknown, maxMessageBytes })
      await operating.register(tokens, { tokenMaxTtlMs })
      await operating.register(revocationsRoute, { tokenMaxTtlMs })
    })
    await scope.register(preflight)
    await scope.register(subscribe, { pingIntervalMs, maxReceivedBytes })
    // What a client had to put into a URL stays out of the host's log.
  }, { prefix, logSerializers: serializersWithoutToken(fastify.log) })
}, { name: 'fastify-messenger', fastify: '5.x' })
