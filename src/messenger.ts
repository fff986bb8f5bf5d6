import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import bearerAuth from '../plugins/bearer-auth.js'
import channels from '../plugins/channels.js'
import errors from '../plugins/errors.js'
import jsonBody from '../plugins/json-body.js'
import validator from '../plugins/validator.js'
import websocket from '../plugins/websocket.js'
import files from '../routes/files.js'
import health from '../routes/health.js'
import send from '../routes/send.js'
import sendBatch from '../routes/send-batch.js'
import subscribe from '../routes/subscribe.js'
import { type MessengerOptions, resolveOptions } from './options.js'
import { publicFiles } from './public-files.js'

/**
 * The messenger as a Fastify plugin: `await app.register(messenger, { prefix: '/rt', token: 'secret' })`.
 * Decorates the app with `channels` and adds its routes under the prefix, in a scope of their own, so that the host's
 * parsers, validators and error handler stay as they are. Register it before routes that are to accept WebSockets, and after
 * @fastify/websocket where the host uses that itself.
 */
export const messenger = fp<MessengerOptions>(async (fastify, options) => {
  const resolved = resolveOptions(options)
  const { prefix, token, page, maxMessageBytes, pingIntervalMs, upgradeTimeoutMs, drainMs } = resolved

  // First: its hooks must know of an upgrade before any other hook can answer it.
  await fastify.register(websocket, { upgradeTimeoutMs, drainMs })
  await fastify.register(channels, { ...resolved, reserved: publicFiles() })

  await fastify.register(async (scope: FastifyInstance) => {
    await scope.register(validator)
    await scope.register(errors, { maxMessageBytes })
    await scope.register(bearerAuth, { token })
    await scope.register(files, { page })
    await scope.register(health)
    await scope.register(async (publishing) => {
      await publishing.register(jsonBody)
      await publishing.register(send, { maxMessageBytes })
      await publishing.register(sendBatch, { maxMessageBytes })
    })
    await scope.register(subscribe, { pingIntervalMs })
  }, { prefix })
}, { name: 'fastify-messenger', fastify: '5.x' })
