// Compiles the server to dist/ and the browser client to public/ (classic script, ES module) and dist/client/ (for bundlers, with types).
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileClient } from './client.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')

rmSync(join(root, 'dist'), { recursive: true, force: true })
for (const project of ['tsconfig.json', 'src/client/tsconfig.json']) {
  const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, project)], { stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}

for (const [entry, format, file] of [
  ['script.ts', 'iife', 'public/client.js'],
  ['index.ts', 'esm', 'public/client.mjs'],
  // scripts/prepare.mjs takes dist/client/index.js for the sign of a finished build: it stays the last.
  ['index.ts', 'esm', 'dist/client/index.js']
]) writeFileSync(join(root, file), await compileClient(entry, format))
