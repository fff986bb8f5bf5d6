// Which tests are unit tests: all but those that import, or import a helper that imports, one of these.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from './steps.mjs'

/** What needs more than `npm ci`, or more than a few seconds. */
export const NEEDS = [
  { need: 'other processes: Redis, browsers, the service as it is built', matches: (path) => path === 'node:child_process' || path === 'playwright-core' },
  { need: 'long random runs', matches: (path) => /^faults\//.test(path) }
]

/** The test files, each with what it needs, `undefined` for a unit test. */
export async function testFiles () {
  const entryPoints = readdirSync(join(root, 'test'), { recursive: true }).filter((name) => name.endsWith('.test.ts')).map((name) => join('test', name)).sort()
  const { metafile } = await build({
    absWorkingDir: root, entryPoints, bundle: true, write: false, metafile: true, outdir: 'unused', format: 'esm', platform: 'node', packages: 'external', logLevel: 'error'
  })
  return Object.values(metafile.outputs).map(({ entryPoint, inputs, imports }) => {
    const paths = [...Object.keys(inputs), ...imports.map(({ path }) => path)]
    return { file: entryPoint, need: NEEDS.find(({ matches }) => paths.some(matches))?.need }
  })
}
