// Compiles the server to dist/, the browser client to public/ (classic script, ES module) and dist/client/ (for bundlers, with types),
// and the page at / to public/.
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileClient, writePublicClient } from './client.mjs'
import { writeConsole } from './console.mjs'
import { bin, root } from './steps.mjs'

rmSync(join(root, 'dist'), { recursive: true, force: true })
for (const project of ['tsconfig.json', 'src/client/tsconfig.json']) {
  const { status } = spawnSync(process.execPath, [bin('typescript', 'tsc'), '-p', join(root, project)], { stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}
await writePublicClient()
await writeConsole()
// scripts/prepare.mjs takes dist/client/index.js for the sign of a finished build: it stays the last.
writeFileSync(join(root, 'dist/client/index.js'), await compileClient('index.ts', 'esm'))
