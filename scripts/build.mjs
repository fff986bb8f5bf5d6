// Compiles the server to dist/, the browser client to public/ (classic scripts, ES modules) and dist/client/ (for bundlers, with types),
// the page at / to public/, and the publisher also to dist/publisher/ (CommonJS, with types).
// With `--no-types`, what runs and nothing else: no types are checked or written.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeClient, writePublicClient } from './client.mjs'
import { writeCommonJsTypes } from './common-js-types.mjs'
import { writeConsole } from './console.mjs'
import { writePublisher } from './publisher.mjs'
import { bin, root } from './steps.mjs'
import { transpile } from './transpile.mjs'

const hasTypes = !process.argv.includes('--no-types')

rmSync(join(root, 'dist'), { recursive: true, force: true })
mkdirSync(join(root, 'dist/client'), { recursive: true })
if (!hasTypes) await transpile()
for (const project of hasTypes ? ['tsconfig.json', 'src/client/tsconfig.json'] : []) {
  const { status } = spawnSync(process.execPath, [bin('typescript', 'tsc'), '-p', join(root, project)], { stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}
for (const file of ['index.cjs', 'index.d.cts']) copyFileSync(join(root, 'src', file), join(root, 'dist/src', file))
await writePublicClient()
await writePublisher(hasTypes)
if (hasTypes) writeCommonJsTypes('dist/client')
await writeConsole()
// scripts/prepare.mjs takes dist/client/index.js for the sign of a finished build: it stays the last.
await writeClient()
