// Bundles the browser client: public/ has it for script tags, dist/client/ for bundlers.
import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from './steps.mjs'

const shared = { bundle: true, minify: true, target: 'es2020', legalComments: 'none', logLevel: 'warning' }

/** Writes the classic script and the ES module. */
export async function bundleClient () {
  await build({ ...shared, entryPoints: [join(root, 'src/client/script.ts')], format: 'iife', outfile: join(root, 'public/client.js') })
  await bundleModule('public/client.mjs')
}

export async function bundleModule (outfile) {
  await build({ ...shared, entryPoints: [join(root, 'src/client/index.ts')], format: 'esm', outfile: join(root, outfile) })
}
