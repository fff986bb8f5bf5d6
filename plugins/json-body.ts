import { isUtf8 } from 'node:buffer'
import fp from 'fastify-plugin'
import { BodyInvalidError, MediaTypeError } from '../src/errors.js'
import { parseBody } from '../src/wire/body.js'

/** Replaces the scope's body parsers by one for JSON that leaves messages as they were written. */
export default fp(async (fastify) => {
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, ({ headers }, body: Buffer, done) => {
    const { 'content-encoding': encoding = '' } = headers
    if (encoding !== '' && encoding.toLowerCase() !== 'identity') { done(new MediaTypeError()); return }
    // Decoding would silently replace what is not UTF-8.
    if (!isUtf8(body)) { done(new BodyInvalidError('it is not UTF-8')); return }
    try {
      done(null, parseBody(body.toString()))
    } catch (error) {
      done(new BodyInvalidError(`it is not JSON (${(error as SyntaxError).message})`))
    }
  })
}, { name: 'messenger-json-body', fastify: '5.x' })
