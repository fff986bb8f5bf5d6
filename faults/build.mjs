import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { root } from '../scripts/root.mjs'

/** Ends this process with a signal as any other does, so that what it started is ended; builds the service unless that is done. */
export function prepare () {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { process.exit(1) })
  if (existsSync(`${root}/dist/src/server.js`) && existsSync(`${root}/dist/client/index.js`)) return
  if (spawnSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' }).status !== 0) process.exit(1)
}
