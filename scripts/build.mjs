// Compiles the server to dist/ and the browser client to public/ (classic script, ES module) and dist/client/ (for bundlers, with types).
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')

rmSync(join(root, 'dist'), { recursive: true, force: true })
for (const project of ['tsconfig.json', 'src/client/tsconfig.json']) {
  const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, project)], { stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}

const shared = { bundle: true, minify: true, target: 'es2020', legalComments: 'none', logLevel: 'warning' }
await build({ ...shared, entryPoints: [join(root, 'src/client/script.ts')], format: 'iife', outfile: join(root, 'public/client.js') })
// scripts/prepare.mjs takes dist/client/index.js for the sign of a finished build: it stays the last.
for (const outfile of ['public/client.mjs', 'dist/client/index.js']) {
  await build({ ...shared, entryPoints: [join(root, 'src/client/index.ts')], format: 'esm', outfile: join(root, outfile) })
}
