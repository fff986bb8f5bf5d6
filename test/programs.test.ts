import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import t from 'tap'
import { root } from '../scripts/root.mjs'

const FOLDERS = ['bench', 'faults', 'interop', 'scripts', 'test']

t.test('every program of the repository finds what it imports', async (t) => {
  const programs = FOLDERS.flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.mjs') && !name.includes('node_modules')).map((name) => join(folder, name)))
  t.ok(programs.includes('interop/environments.mjs'))
  // A name that a file does not export is an error of the bundle.
  await t.resolves(build({
    absWorkingDir: root, entryPoints: programs, outdir: 'out', bundle: true, write: false, format: 'esm', platform: 'node', packages: 'external', logLevel: 'silent'
  }))
})
