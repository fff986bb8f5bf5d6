// Which tests are unit tests: all but those that are, import, or import a helper that imports, one of these.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from './root.mjs'

/** Needs beyond `npm ci` or a few seconds, each with the imported modules and files that imply it. */
export const NEEDS = [
  { need: 'other processes: Redis, browsers, the service as it is built', matches: (path) => path === 'node:child_process' || path === 'playwright-core' },
  { need: 'long random runs', matches: (path) => /^faults\/|-chaos\.test\.ts$/.test(path) },
  { need: 'all connections and bytes that the limits allow', matches: (path) => /^test\/attacks\//.test(path) }
]

/** The test files, each with what it needs, `undefined` for a unit test. */
export async function testFiles () {
  const files = readdirSync(join(root, 'test'), { recursive: true }).filter((name) => name.endsWith('.test.ts')).map((name) => join('test', name)).sort()
  // One bundle of all of them: a file is read once for all its importers.
  const { metafile } = await build({
    absWorkingDir: root, stdin: { contents: files.map((file) => `import './${file}'`).join('\n'), resolveDir: root },
    bundle: true, write: false, metafile: true, format: 'esm', platform: 'node', packages: 'external', ignoreAnnotations: true, logLevel: 'error'
  })
  return files.map((file) => {
    const imported = reachedFrom(file, metafile.inputs)
    return { file, need: NEEDS.find(({ matches }) => imported.some(matches))?.need }
  })
}

/** A file and all that it imports, directly or not; Node's modules and packages by their names. */
function reachedFrom (file, inputs) {
  const reached = new Set([file])
  // A set is iterated over what is added meanwhile, too.
  for (const path of reached) for (const { path: imported } of inputs[path]?.imports ?? []) reached.add(imported)
  return [...reached]
}
