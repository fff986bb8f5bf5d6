import type { TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import type { ValueError } from '@sinclair/typebox/value'
import fp from 'fastify-plugin'

/**
 * Validates and serializes the scope's routes without changing a value: the compilers of the host may coerce, strip or rewrite, but
 * messages reach subscribers unchanged.
 */
export default fp(async (fastify) => {
  fastify.setValidatorCompiler<TSchema>(({ schema }) => {
    const compiled = TypeCompiler.Compile(schema)
    return (value: unknown) => {
      if (compiled.Check(value)) return { value }
      // The first violation alone: @sinclair/typebox (0.34) allocates an object for each, and a body may contain millions.
      const { path, message } = compiled.Errors(value).First() as ValueError
      return { error: [{ instancePath: path, message, keyword: '', schemaPath: '', params: {} }] }
    }
  })
  fastify.setSerializerCompiler(() => JSON.stringify)
  fastify.setReplySerializer((payload) => JSON.stringify(payload))
}, { name: 'messenger-validator', fastify: '5.x' })
