// Compiles the browser client: bundled by esbuild, then minified by terser, whose names compress better by 4 %. Properties whose
// names begin with an underscore are shortened, too.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { minify } from 'terser'
import { root } from './steps.mjs'

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

/** Writes the client for bundlers and for Node.js to dist/client/, as ES modules and for CommonJS. */
export async function writeClient () {
  for (const name of ['shared', 'index']) {
    writeFileSync(join(root, `dist/client/${name}.cjs`), await compileClient(`${name}.ts`, 'cjs'))
    writeFileSync(join(root, `dist/client/${name}.js`), await compileClient(`${name}.ts`, 'esm'))
  }
}

/** Writes the classic scripts and the ES modules to public/, for script tags. */
export async function writePublicClient () {
  writeFileSync(join(root, 'public/client.js'), await compileClient('script.ts', 'iife'))
  writeFileSync(join(root, 'public/client.mjs'), await compileClient('index.ts', 'esm'))
  writeFileSync(join(root, 'public/client.shared.js'), await compileClient('shared-script.ts', 'iife'))
  writeFileSync(join(root, 'public/client.shared.mjs'), await compileClient('shared.ts', 'esm'))
}
