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
import { root } from './root.mjs'
import { bin } from './steps.mjs'
import { transpile } from './transpile.mjs'

const hasTypes = !process.argv.includes('--no-types')

/** Compiles the server, and writes the types of the server and of the client. */
function compile () {
  for (const project of ['tsconfig.json', 'src/client/tsconfig.json']) {
    const { status } = spawnSync(process.execPath, [bin('typescript', 'tsc'), '-p', join(root, project)], { stdio: 'inherit' })
    if (status !== 0) process.exit(1)
  }
  writeCommonJsTypes('dist/client')
}

rmSync(join(root, 'dist'), { recursive: true, force: true })
mkdirSync(join(root, 'dist/client'), { recursive: true })
if (hasTypes) compile()
else await transpile()
for (const file of ['index.cjs', 'index.d.cts']) copyFileSync(join(root, 'src', file), join(root, 'dist/src', file))
// The page shows the hashes of the client that is served.
const modules = await writePublicClient()
await writePublisher(hasTypes)
await writeConsole()
// scripts/prepare.mjs takes dist/client/index.js for the sign of a finished build: it stays the last.
await writeClient(modules)
