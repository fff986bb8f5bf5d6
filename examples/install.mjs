// Installs what an example needs beyond the packages of this repository, fastify-messenger itself as a package that npm packs.
import { spawnSync } from 'node:child_process'
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

const BUILT = join(import.meta.dirname, '../dist/src/index.js')

function modified (path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** Installs the packages of an example in its own directory, unless that was done since the last build. Ends the process if it fails. */
export function install (directory) {
  const packages = join(directory, 'node_modules')
  if (modified(join(packages, '.package-lock.json')) > modified(BUILT)) return
  rmSync(join(packages, 'fastify-messenger'), { recursive: true, force: true })
  rmSync(join(packages, '.package-lock.json'), { force: true })
  console.log('Installing packages')
  // Packs `file:../..` in place of a link, by which Fastify would be there twice.
  const args = ['install', '--install-links', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const { status } = spawnSync('npm', args, { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' })
  if (status !== 0) process.exit(status ?? 1)
}
