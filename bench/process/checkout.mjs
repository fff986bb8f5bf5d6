// Another revision of this repository, compiled, in a directory that is removed when the run ends.
import { execFileSync } from 'node:child_process'
import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { scratchDirectory } from './children.mjs'
import { projectRoot } from './prepare.mjs'

const LOCK = 'package-lock.json'

/** Resolves a name to `{ revision, entry }`: the short hash, and the program that starts its service. Throws for what git does not know. */
export function checkout (name) {
  const revision = git('rev-parse', '--short', `${name}^{commit}`).trim()
  const directory = scratchDirectory()
  const archive = join(directory, 'tree.tar')
  git('archive', '-o', archive, revision)
  run('tar', ['-xf', archive, '-C', directory])
  // The same packages need not be installed twice.
  if (readFileSync(join(directory, LOCK), 'utf8') === readFileSync(join(projectRoot, LOCK), 'utf8')) symlinkSync(join(projectRoot, 'node_modules'), join(directory, 'node_modules'))
  else run('npm', ['ci', '--prefix', directory, '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'])
  run(process.execPath, [join(directory, 'scripts/build.mjs')])
  return { revision, entry: join(directory, 'dist/src/server.js') }
}

function git (...args) {
  return execFileSync('git', args, { cwd: projectRoot, encoding: 'utf8' })
}

function run (command, args) {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}
