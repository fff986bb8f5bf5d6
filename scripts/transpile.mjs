// Takes the types off the sources of the server, without a look at them: a second instead of fifteen.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from './root.mjs'

/** Writes src, plugins and routes as JavaScript to dist/, as the compiler does, without types. */
export async function transpile () {
  const entryPoints = ['src', 'plugins', 'routes'].flatMap((directory) => readdirSync(join(root, directory), { recursive: true })
    .map((file) => join(directory, file))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts') && !file.startsWith(join('src', 'client'))))
  await build({
    absWorkingDir: root,
    entryPoints,
    outbase: '.',
    outdir: 'dist',
    format: 'esm',
    platform: 'node',
    target: 'es2023',
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
    logLevel: 'warning'
  })
}
