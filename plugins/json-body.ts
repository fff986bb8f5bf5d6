import { isUtf8 } from 'node:buffer'
import fp from 'fastify-plugin'
import { BodyInvalidError, MediaTypeError, MessageTooLargeError } from '../src/errors.js'
import { networkOf } from '../src/limits/address.js'
import { readBody } from '../src/http/body-reader.js'

/** Options of this plugin. */
export interface JsonBodyPluginOptions {
  /** Parses the bytes, which are UTF-8. Throws SyntaxError where they are not JSON. */
  parse: (bytes: Buffer) => unknown
  /** The limit to name in MSG_ERR_MESSAGE_TOO_LARGE. */
  maxMessageBytes: number
}

/** Replaces the scope's body parsers by one for JSON. */
export default fp<JsonBodyPluginOptions>(async (fastify, { parse, maxMessageBytes }) => {
  const { budget } = fastify.limits
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('application/json', (request, payload, done) => {
    const { 'content-encoding': encoding = '' } = request.headers
    if (encoding !== '' && encoding.toLowerCase() !== 'identity') { done(new MediaTypeError()); return }
    readBody(payload, {
      budget,
      address: () => networkOf(request.ip),
      limit: request.routeOptions.bodyLimit,
      contentLength: Number(request.headers['content-length']),
      tooLarge: () => new MessageTooLargeError(maxMessageBytes),
      done (error, bytes = Buffer.alloc(0)) {
        if (error !== null) { done(error); return }
        try {
          // The body may have taken as long as a request may take.
          fastify.assertStillSender(request)
          // Decoding would silently replace bytes that are not UTF-8.
          if (!isUtf8(bytes)) throw new BodyInvalidError('it is not UTF-8')
          done(null, parse(bytes))
        } catch (error) {
          done(error instanceof SyntaxError ? new BodyInvalidError(`it is not JSON (${error.message})`) : error as Error)
        }
      }
    })
  })
}, { name: 'messenger-json-body', dependencies: ['messenger-bearer-auth', 'messenger-limits'], fastify: '5.x' })
