// The packages of a clone: whether those are there that the lock file names, and their installation. Uses nothing but Node.
import { readFileSync, rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { modified, root } from './root.mjs'

const lockFile = join(root, 'package-lock.json')
const installed = join(root, 'node_modules/.package-lock.json')
const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
// The packages of a build without types. In a directory of their own, because npm installs development packages all or not at all.
const buildTools = ['esbuild', 'terser']
const ownTools = join(root, 'scripts/node_modules')
const development = join(root, 'node_modules/tap/package.json')

const readPackages = (file) => JSON.parse(readFileSync(file, 'utf8')).packages
const readLock = () => readPackages(lockFile)

function versionOf (directory) {
  try {
    return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')).version
  } catch {
    return undefined
  }
}

/** Whether a directory was installed to since the lock file changed, by a look at nothing but times. */
const isNewer = (directory) => modified(join(directory, '.package-lock.json')) >= Math.max(1, modified(lockFile))
/** Whether development packages are there. */
const hasDevelopment = () => modified(development) > 0

/** Whether all that the lock file names is there; development packages are left out, or not. */
function isComplete (withDevelopment) {
  if (modified(installed) === 0) return false
  const wanted = readLock()
  const present = readPackages(installed)
  delete wanted['']
  const isMeant = ({ dev, devOptional }) => withDevelopment || !(dev || devOptional)
  const names = new Set([...Object.keys(wanted), ...withDevelopment ? Object.keys(present) : []])
  for (const name of names) {
    const [there, named] = [present[name], wanted[name]]
    if (named !== undefined && !isMeant(named)) continue
    if (!there && (named.optional || named.devOptional)) continue
    if (there?.version !== named?.version || there?.integrity !== named?.integrity) return false
  }
  return true
}

/** All packages, those for development included. */
export const allPackages = {
  what: 'installation of the packages',

  isDone () {
    if (isNewer(join(root, 'node_modules')) && hasDevelopment()) return true
    // A newer lock file may still say the same (npm writes it last, git rewrites it): `npm ci` would be slow and destructive.
    if (!isComplete(true)) return false
    const now = new Date()
    utimesSync(installed, now, now)
    return true
  },

  /** The commands, which may run at once. */
  commands () {
    rmSync(ownTools, { recursive: true, force: true })
    // Also where NODE_ENV is production.
    return [['npm', 'ci', '--include=dev', ...quiet]]
  }
}

/** The packages that the service needs when it runs, and those that build it: 15 s less than all of them. */
export const runtimePackages = {
  what: 'installation of the packages',

  isDone () {
    if (isNewer(join(root, 'node_modules')) && (hasDevelopment() || isNewer(ownTools))) return true
    const lock = readLock()
    const hasTool = (name) => ['node_modules', 'scripts/node_modules'].some((directory) => versionOf(join(root, directory, name)) === lock[`node_modules/${name}`].version)
    return isComplete(false) && buildTools.every(hasTool)
  },

  commands () {
    // A clone in which somebody develops keeps its packages for that.
    if (hasDevelopment()) return allPackages.commands()
    const lock = readLock()
    const tools = buildTools.map((name) => `${name}@${lock[`node_modules/${name}`].version}`)
    return [
      ['npm', 'ci', '--omit=dev', ...quiet],
      ['npm', 'install', '--prefix', 'scripts', '--no-save', '--no-package-lock', ...quiet, ...tools]
    ]
  }
}
