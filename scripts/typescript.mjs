// Makes Node.js run the TypeScript of this repository: `node --import ./scripts/typescript.mjs test/wire/id.test.ts`.
// esbuild strips the types, once for each version of a file; its output is cached in .tap/modules for the next process.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import module from 'node:module'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'
import { modified, root } from './root.mjs'

const kept = join(root, '.tap/modules')
const require = module.createRequire(import.meta.url)

function isOwn (path) {
  return path.startsWith(root + sep) && !path.includes(`${sep}node_modules${sep}`) && !path.startsWith(join(root, 'dist') + sep)
}

// Relative imports carry .js, as they stand in what is built.
export function resolve (specifier, context, next) {
  // Where files share a process, the test that `scripts/unit-worker.mjs` made for the file that is being loaded.
  if (specifier === 'tap' && process.env.UNIT_WORKER !== undefined && context.parentURL?.endsWith('.test.ts')) {
    return { url: `data:text/javascript,export default globalThis.testOfFile //${context.parentURL}`, format: 'module', shortCircuit: true }
  }
  if (/^\.{1,2}\/.*\.js(\?|$)/.test(specifier) && context.parentURL?.startsWith('file:')) {
    const url = new URL(specifier.replace(/\.js(?=\?|$)/, '.ts'), context.parentURL)
    const path = fileURLToPath(url)
    if (isOwn(path) && modified(path) > 0) return { url: inOwnCopy(url, context.parentURL).href, format: 'module', shortCircuit: true }
  }
  return next(specifier, context)
}

// Each test of the client loads the client anew, where files share a process: the client looks at its page once, when it is loaded.
function inOwnCopy (url, parent) {
  if (process.env.UNIT_WORKER === undefined) return url
  const test = (/\/test\/client\/([^/]+)\.test\.ts$/.exec(parent) ?? /[?&]for=([^&]+)$/.exec(parent))?.[1]
  if (test !== undefined) url.searchParams.set('for', test)
  return url
}

export function load (url, context, next) {
  if (!/^file:.*\.ts(\?|$)/.test(url)) return next(url, context)
  const path = fileURLToPath(url)
  return isOwn(path) ? { format: 'module', source: javaScript(path), shortCircuit: true } : next(url, context)
}

function javaScript (path) {
  const file = join(kept, `${relative(root, path)}.js`)
  if (modified(file) > Math.max(modified(path), modified(fileURLToPath(import.meta.url)))) return readFileSync(file, 'utf8')
  // Loading it takes as long as a small test.
  const { transformSync } = require('esbuild')
  const { code } = transformSync(readFileSync(path, 'utf8'), { loader: 'ts', target: 'es2023', sourcemap: 'inline', sourcefile: path, tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } } })
  mkdirSync(dirname(file), { recursive: true })
  // Other processes may be at the same file: it appears whole.
  const own = `${file}.${process.pid}`
  writeFileSync(own, code)
  renameSync(own, file)
  return code
}

// The hooks run in the thread that imports, where Node can do that; loaded as hooks of another thread this file registers nothing.
if (module.registerHooks) module.registerHooks({ resolve, load })
else if (isMainThread) module.register(import.meta.url)
