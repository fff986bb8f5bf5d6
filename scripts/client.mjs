// Compiles the browser client: bundled by esbuild, then minified by terser, whose names compress better by 4 %. Properties whose
// names begin with an underscore are shortened, too.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { minify } from 'terser'
import { root } from './root.mjs'

/** How esbuild bundles the client. */
export const BUNDLE = {
  bundle: true,
  minifySyntax: true,
  // With `??=` and its kin, which the browsers of docs/client.md know.
  target: 'es2021',
  // Without the directive "use strict", on which nothing depends.
  tsconfigRaw: '{}',
  legalComments: 'none',
  logLevel: 'warning',
  write: false
}

/** How terser minifies it, as a classic script (`iife`) or a module (`esm`, `cjs`). */
export const minification = (format) => ({
  module: format === 'esm',
  ecma: 2020,
  // Without what makes the text shorter and its compressed form longer.
  compress: { passes: 3, unsafe: true, unsafe_arrows: true, conditionals: false, sequences: false },
  mangle: { properties: { regex: /^_/ } }
})

/** Resolves with the text of the client whose entry is a file of src/client, as a classic script (`iife`) or a module (`esm`, `cjs`). */
export async function compileClient (entry, format) {
  const { outputFiles } = await build({ ...BUNDLE, entryPoints: [join(root, 'src/client', entry)], format })
  const { code } = await minify(outputFiles[0].text, minification(format))
  return code
}

/** Writes the classic scripts and the ES modules to public/, for script tags. Resolves with the texts of the modules. */
export async function writePublicClient () {
  const write = (name, text) => { writeFileSync(join(root, 'public', name), text) }
  const modules = { index: await compileClient('index.ts', 'esm'), shared: await compileClient('shared.ts', 'esm') }
  write('client.js', await compileClient('script.ts', 'iife'))
  write('client.mjs', modules.index)
  write('client.shared.js', await compileClient('shared-script.ts', 'iife'))
  write('client.shared.mjs', modules.shared)
  return modules
}

/** Writes the client for bundlers and for Node.js to dist/client/, for CommonJS and as these ES modules; index.js is the last file. */
export async function writeClient ({ index, shared }) {
  const write = (name, text) => { writeFileSync(join(root, 'dist/client', name), text) }
  for (const name of ['shared', 'index']) write(`${name}.cjs`, await compileClient(`${name}.ts`, 'cjs'))
  write('shared.js', shared)
  write('index.js', index)
}
