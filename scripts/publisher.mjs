// The publisher for CommonJS, beside the ES module that the compiler makes of it: one file, and the same types.
import { join } from 'node:path'
import { build } from 'esbuild'
import { writeCommonJsTypes } from './common-js-types.mjs'
import { root } from './root.mjs'

/** Writes dist/publisher/, from src/publisher and, with `hasTypes`, the types that were compiled to dist/src/publisher. */
export async function writePublisher (hasTypes) {
  await build({
    entryPoints: [join(root, 'src/publisher/index.ts')],
    outfile: join(root, 'dist/publisher/index.cjs'),
    format: 'cjs',
    bundle: true,
    platform: 'neutral',
    target: 'es2022',
    logLevel: 'warning'
  })
  if (hasTypes) writeCommonJsTypes('dist/src/publisher', 'dist/publisher')
}
