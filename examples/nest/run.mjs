// Installs and builds what package.json and tsconfig.json name, as `npm install && npm run build && npm start` would in a copy.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { install } from '../install.mjs'

install(import.meta.dirname)
const tsc = join(import.meta.dirname, 'node_modules/typescript/bin/tsc')
const { status } = spawnSync(process.execPath, [tsc, '-p', import.meta.dirname], { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)
await import('./dist/main.js')
