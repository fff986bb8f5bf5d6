// Installs what is missing before a run: the peers' packages, and the compiled service.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const benchRoot = dirname(dirname(fileURLToPath(import.meta.url)))
export const projectRoot = dirname(benchRoot)
export const serviceEntry = join(projectRoot, 'dist/src/server.js')

/** Makes sure that the peers are installed as the lockfile says and that the service is compiled from the sources as they are. */
export function prepare () {
  if (!existsSync('/proc/self/stat')) throw new Error('The benchmark reads CPU time and memory from /proc: it runs on Linux only')
  if (!peersInstalled()) {
    run('npm', ['ci', '--prefix', benchRoot, '--no-audit', '--no-fund'])
  }
  run(process.execPath, [join(projectRoot, 'scripts/prepare.mjs'), 'start'])
}

// npm leaves a copy of what it installed in node_modules/.package-lock.json.
function peersInstalled () {
  try {
    const wanted = lockedPackages('package-lock.json')
    const present = lockedPackages('node_modules/.package-lock.json')
    return Object.entries(wanted).every(([path, { version, optional }]) => path === '' || optional === true || present[path]?.version === version)
  } catch {
    return false
  }
}

function lockedPackages (file) {
  return JSON.parse(readFileSync(join(benchRoot, file), 'utf8')).packages
}

function run (command, args) {
  execFileSync(command, args, { cwd: projectRoot, stdio: ['ignore', 'inherit', 'inherit'] })
}
