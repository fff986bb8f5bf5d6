import cluster from 'node:cluster'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import access from '../plugins/access.js'
import answers from '../plugins/answers.js'
import bearerAuth from '../plugins/bearer-auth.js'
import channels from '../plugins/channels.js'
import connections from '../plugins/connections.js'
import errors from '../plugins/errors.js'
import hostLimits from '../plugins/host-limits.js'
import hosts from '../plugins/hosts.js'
import hub from '../plugins/hub.js'
import journal from '../plugins/journal.js'
import jsonBody from '../plugins/json-body.js'
import limits from '../plugins/limits.js'
import metrics from '../plugins/metrics.js'
import multiplexing from '../plugins/multiplexing.js'
import origins from '../plugins/origins.js'
import pipelining from '../plugins/pipelining.js'
import routeMethods from '../plugins/route-methods.js'
import subscriptions from '../plugins/subscriptions.js'
import validator from '../plugins/validator.js'
import websocket from '../plugins/websocket.js'
import channelRoute from '../routes/channel.js'
import channelsRoute from '../routes/channels.js'
import files from '../routes/files.js'
import health from '../routes/health.js'
import limitCounts from '../routes/limits.js'
import metricsRoute from '../routes/metrics.js'
import otherMethods from '../routes/other-methods.js'
import pageRoute from '../routes/page.js'
import preflight from '../routes/preflight.js'
import revocationsRoute from '../routes/revocations.js'
import send from '../routes/send.js'
import sendBatch from '../routes/send-batch.js'
import subscribe from '../routes/subscribe.js'
import tokens from '../routes/tokens.js'
import { serializersWithoutToken } from './http/redaction.js'
import { Revocations } from './access/revocations.js'
import { ChannelNames } from './channels/name.js'
import { ConfigInvalidError } from './errors.js'
import { LimitCounters } from './limits/limit-counters.js'
import { LimitLog } from './limits/limit-log.js'
import { ChannelRules } from './options/rules.js'
import { type MessengerOptions, resolveOptions } from './options/schema.js'
import { servedFiles } from './public-files.js'
import { parseBody } from './wire/body.js'

/**
 * The messenger as a Fastify plugin: `await app.register(messenger, { prefix: '/rt', token: 'secret' })`.
 * Decorates the app with `channels` and adds its routes under the prefix, in a scope of their own, so that the host's
 * parsers, validators and error handler stay as they are.
 */
export const messenger = fp<MessengerOptions>(async (fastify, options) => {
  const resolved = resolveOptions(options)
  const { prefix, page, maxMessageBytes, maxReceivedBytes, pingIntervalMs, upgradeTimeoutMs, drainMs, tokenMaxTtlMs } = resolved
  const { authorize, allowedHosts, maxChannelsPerConnection } = resolved
  const { allowedOrigins = authorize === undefined ? ['*'] : [] } = resolved
  const limitLog = new LimitLog((limit, hits) => { fastify.log.info({ limit, hits }, `The limit ${limit} was reached`) })
  const counters = new LimitCounters((limit) => { limitLog.hit(limit) })
  const revocations = new Revocations()
  const rules = new ChannelRules(resolved.channels)
  const names = new ChannelNames(servedFiles(), rules)

  if (Object.hasOwn(fastify, 'channels')) {
    throw new ConfigInvalidError('This app has app.channels already: ' +
      'register the messenger once an app, or each one in a scope of its own, app.register(async (scope) => { await scope.register(messenger, options) })')
  }
  if (cluster.isWorker && resolved.redis === undefined) {
    fastify.log.warn('This process is a worker of a cluster: without REDIS_URL each one is a messenger of its own, ' +
      'and what is published to one does not reach the subscribers of the others')
  }
  await fastify.register(channels, { ...resolved, names, rules, counters, onAnnouncement: (text) => { revocations.add(text) } })

  await fastify.register(async (scope: FastifyInstance) => {
    const everyPath = page || scope.prefix !== ''
    await scope.register(hub, { names })
    await scope.register(journal)
    await scope.register(hostLimits)
    await scope.register(routeMethods)
    await scope.register(websocket, { upgradeTimeoutMs, drainMs, counters, everyPath })
    await scope.register(hosts, { allowedHosts })
    await scope.register(validator)
    await scope.register(errors, { counters })
    await scope.register(origins, { allowedOrigins })
    await scope.register(limits, { ...resolved, counters })
    await scope.register(pipelining)
    await scope.register(access, { ...resolved, revocations })
    await scope.register(bearerAuth)
    await scope.register(subscriptions, { pingIntervalMs })
    await scope.register(connections, { maxChannelsPerConnection })
    await scope.register(multiplexing, { maxChannelsPerConnection })
    await scope.register(answers)
    await scope.register(files)
    if (page) await scope.register(pageRoute)
    await scope.register(health)
    await scope.register(limitCounts)
    await scope.register(channelsRoute)
    await scope.register(channelRoute)
    await scope.register(metrics, resolved)
    await scope.register(metricsRoute)
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
    // The remaining paths, so that a WebSocket there is closed with a reason; without a prefix they are the host's.
    const elsewhere = page ? ['/*'] : everyPath ? ['/', '/*'] : []
    await scope.register(subscribe, { pingIntervalMs, maxChannelsPerConnection, maxReceivedBytes, paths: ['/:channel', ...elsewhere] })
    if (everyPath) await scope.register(otherMethods)
    // Tokens in URLs stay out of the host's log.
  }, { prefix, logSerializers: serializersWithoutToken(fastify.log) })
}, { name: 'fastify-messenger', fastify: '5.x' })
