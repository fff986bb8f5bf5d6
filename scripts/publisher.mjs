// The publisher for CommonJS, beside the ES module that the compiler makes of it: one file, and the same types.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from './steps.mjs'

/** Writes dist/publisher/, from src/publisher and, with `hasTypes`, the types that were compiled to dist/src/publisher. */
export async function writePublisher (hasTypes) {
  const [types, target] = ['dist/src/publisher', 'dist/publisher'].map((directory) => join(root, directory))
  mkdirSync(target, { recursive: true })
  await build({
    entryPoints: [join(root, 'src/publisher/index.ts')],
    outfile: join(target, 'index.cjs'),
    format: 'cjs',
    bundle: true,
    platform: 'neutral',
    target: 'es2022',
    logLevel: 'warning'
  })
  if (!hasTypes) return
  for (const name of readdirSync(types).filter((file) => file.endsWith('.d.ts'))) {
    const text = readFileSync(join(types, name), 'utf8').replaceAll(/(['"]\.\/[\w-]+)\.js(['"])/g, '$1.cjs$2')
    writeFileSync(join(target, name.replace(/\.d\.ts$/, '.d.cts')), text)
  }
}
