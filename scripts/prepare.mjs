// Makes a fresh clone ready: installs and builds what is missing or out of date. `start` takes what running needs, `package` all that
// the package holds, types included, and `test` what the tests run besides.
// Runs before anything is installed, so it uses nothing but Node; when nothing is to do it costs a few dozen stat calls.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { allPackages, runtimePackages } from './packages.mjs'
import { modified, root } from './root.mjs'

// The programs that the tests run besides Node.js, with the Debian packages that contain them. The layout of pages needs one font.
const testCommands = [
  { command: 'chromium', packages: ['chromium', 'fonts-liberation'] },
  { command: 'redis-server', packages: ['redis-server'] }
]
const sources = ['src', 'plugins', 'routes', 'console', 'tsconfig.json', 'package.json', 'scripts']
// The build writes the last of these at its very end, so a build that broke off is never taken for a finished one.
const products = [
  'dist/src/server.js', 'public/client.js', 'public/client.mjs', 'public/client.shared.js', 'public/client.shared.mjs', 'public/page.js', 'public/page.css',
  'dist/publisher/index.cjs', 'dist/client/shared.js', 'dist/client/index.js'
]
const types = ['dist/src/index.d.ts', 'dist/client/index.d.ts', 'dist/publisher/index.d.cts']

const target = process.argv[2]
const path = (name) => join(root, name)
const lockFile = path('.prepare.lock')

function fail (text) {
  console.error(`prepare: ${text}`)
  process.exit(1)
}

function failAt (what, command, end) {
  fail(`${what} failed: "${command.join(' ')}" ended with ${end}`)
}

function run (what, command, args, env = {}) {
  console.log(`prepare: ${what}`)
  const { error, status, signal } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } })
  if (error || status !== 0) failAt(what, [command, ...args], error?.code ?? signal ?? `exit code ${status}`)
}

/** Runs commands at once. */
async function runAll (what, commands) {
  console.log(`prepare: ${what}`)
  await Promise.all(commands.map(async (command) => {
    const child = spawn(command[0], command.slice(1), { cwd: root, stdio: 'inherit' })
    const [status, signal] = await once(child, 'close').catch(({ code }) => [undefined, code])
    if (status !== 0) failAt(what, command, signal ?? `exit code ${status}`)
  }))
}

// Directories count too: a deleted file shows in nothing else.
function newest (name) {
  const stat = statSync(path(name), { throwIfNoEntry: false })
  if (!stat?.isDirectory()) return stat?.mtimeMs ?? 0
  return Math.max(stat.mtimeMs, ...readdirSync(path(name)).map((entry) => newest(join(name, entry))))
}

function isBuilt () {
  const built = Math.min(...[...products, ...target === 'start' ? [] : types].map((name) => modified(path(name))))
  return built > 0 && modified(path(products.at(-1))) >= Math.max(...sources.map(newest))
}

function isCommand (command) {
  return `${process.env.PATH}${delimiter}/usr/bin`.split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function missingPackages () {
  return testCommands.filter(({ command }) => !isCommand(command)).flatMap(({ packages }) => packages)
}

function assertInstallable (packages) {
  if (process.getuid?.() === 0 && isCommand('apt-get')) return
  fail(`the tests need ${packages.join(', ')}; on Debian type: sudo apt-get update && sudo apt-get install --no-install-recommends ${packages.join(' ')}`)
}

function installSystemPackages (packages) {
  const apt = ['-qq', '-y', '-o', 'DPkg::Lock::Timeout=300']
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  run('update of the package lists', 'apt-get', [...apt, 'update'], env)
  run(`installation of ${packages.join(', ')}`, 'apt-get', [...apt, 'install', '--no-install-recommends', ...packages], env)
}

function isAlive (pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

// `npm start` and `npm test` may be typed at the same time in one clone; two installations in one directory destroy each other.
function lock () {
  for (let attempt = 1; ; attempt++) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: 'wx' })
      process.on('exit', () => { rmSync(lockFile, { force: true }) })
      return
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    let owner
    try {
      owner = readFileSync(lockFile, 'utf8')
    } catch {
      continue
    }
    // The owner that has not yet written its id reads as 0, which is alive.
    if (!isAlive(Number(owner))) rmSync(lockFile, { force: true })
    else {
      if (attempt === 1) console.log(`prepare: waiting for process ${owner}, which is preparing too`)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
    }
  }
}

if (!['start', 'package', 'test'].includes(target)) fail('usage: node scripts/prepare.mjs start|package|test')

const packages = target === 'start' ? runtimePackages : allPackages
const steps = [
  { done: packages.isDone, make: async () => { await runAll(packages.what, packages.commands()) } },
  { done: isBuilt, make: () => { run('build', process.execPath, ['scripts/build.mjs', ...target === 'start' ? ['--no-types'] : []]) } }
]
if (target === 'test') steps.unshift({ done: () => missingPackages().length === 0, make: () => { installSystemPackages(missingPackages()) } })

try {
  const { engines } = JSON.parse(readFileSync(path('package.json'), 'utf8'))
  const [major, minor] = process.versions.node.split('.').map(Number)
  const [wantedMajor, wantedMinor] = engines.node.replace('>=', '').split('.').map(Number)
  if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) fail(`needs Node ${engines.node}, this is ${process.versions.node}`)
  // Said before minutes are spent on the rest.
  if (target === 'test' && missingPackages().length > 0) assertInstallable(missingPackages())
  if (!steps.every(({ done }) => done())) {
    lock()
    for (const { done, make } of steps) {
      if (!done()) await make()
    }
  }
} catch (error) {
  fail(error.message)
}
