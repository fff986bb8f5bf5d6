// Compiles the browser client: bundled by esbuild, then minified by terser, whose names compress better by 4 %.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { minify } from 'terser'

const directory = join(dirname(dirname(fileURLToPath(import.meta.url))), 'src/client')

/** Resolves with the text of the client whose entry is a file of src/client, as a classic script (`iife`) or a module (`esm`). */
export async function compileClient (entry, format) {
  const { outputFiles } = await build({
    entryPoints: [join(directory, entry)],
    format,
    bundle: true,
    minify: true,
    target: 'es2020',
    // Without the directive "use strict", on which nothing depends.
    tsconfigRaw: '{}',
    legalComments: 'none',
    logLevel: 'warning',
    write: false
  })
  const { code } = await minify(outputFiles[0].text, { module: format === 'esm', ecma: 2020, compress: { passes: 3, unsafe: true, unsafe_arrows: true } })
  return code
}
