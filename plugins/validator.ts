import type { TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import fp from 'fastify-plugin'

/**
 * Validates and serializes the scope's routes without changing a value: the host may coerce, strip or rewrite in its own way, but
 * messages reach subscribers as they are.
 */
export default fp(async (fastify) => {
  fastify.setValidatorCompiler<TSchema>(({ schema }) => {
    const compiled = TypeCompiler.Compile(schema)
    return (value: unknown) => {
      if (compiled.Check(value)) return { value }
      return { error: [...compiled.Errors(value)].map(({ path, message }) => ({ instancePath: path, message, keyword: '', schemaPath: '', params: {} })) }
    }
  })
  fastify.setSerializerCompiler(() => JSON.stringify)
  fastify.setReplySerializer((payload) => JSON.stringify(payload))
}, { name: 'messenger-validator', fastify: '5.x' })
