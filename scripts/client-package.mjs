// Writes dist/ of the package fastify-messenger-client: `node scripts/client-package.mjs`, which `npm pack` runs in packages/client.
// The ES modules are readable and share their code. The scripts, which are CommonJS modules as well, are made of them and minified,
// each with a source map that names the ES modules beside it.
import { copyFileSync, mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { minify } from 'terser'
import { clientTypes } from './client-types.mjs'
import { BUNDLE, minification } from './client.mjs'
import { thinMap } from './thin-map.mjs'
import { root } from './root.mjs'

const SOURCE = join(root, 'packages/client')
/** Scripts and the modules of which they are made. */
const SCRIPTS = { 'client.js': 'index.mjs', 'client.shared.js': 'shared.mjs' }

/** Writes the files that esbuild has made, indented by one character. */
function writeOutput ({ outputFiles }) {
  for (const { path, text } of outputFiles) writeFileSync(path, text.replace(/^(?: {2})+/gm, (indent) => '\t'.repeat(indent.length / 2)))
}

/** Writes the modules `index`, `shared` and what both need, `internal`. */
async function writeModules (directory) {
  writeOutput(await build({
    ...BUNDLE,
    absWorkingDir: root,
    entryPoints: { index: 'src/client/index.ts', shared: 'src/client/shared.ts' },
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'internal',
    format: 'esm',
    splitting: true
  }))
}

/** Writes a script that has the global `connectToChannel` in a page, and exports it in a CommonJS module. */
async function writeScript (directory, name, module) {
  // An element of the page with the id `module` is a global variable, too.
  const contents = `import { connectToChannel } from './${module}'
if (typeof module === 'object' && module.exports) module.exports = { connectToChannel }
else globalThis.connectToChannel = connectToChannel`
  const { outputFiles } = await build({
    ...BUNDLE,
    stdin: { contents, resolveDir: directory, sourcefile: 'entry.mjs' },
    absWorkingDir: directory,
    outfile: join(directory, name),
    format: 'iife',
    sourcemap: 'external',
    logOverride: { 'commonjs-variable-in-esm': 'silent' }
  })
  const [map, bundled] = ['.map', '.js'].map((end) => outputFiles.find(({ path }) => path.endsWith(end)).text)
  const { code, map: fullMap } = await minify(bundled, { ...minification('iife'), sourceMap: { content: map, asObject: true } })
  writeFileSync(join(directory, name), `${code}\n//# sourceMappingURL=${name}.map\n`)
  writeFileSync(join(directory, `${name}.map`), JSON.stringify(thinMap(fullMap, name, 'entry.mjs')))
}

/** Writes the hook for React in both kinds of module, each on top of the client of its kind. */
async function writeReact (directory) {
  const output = await build({
    ...BUNDLE,
    absWorkingDir: root,
    entryPoints: [join(SOURCE, 'src/react.mts')],
    outfile: join(directory, 'react.mjs'),
    format: 'esm',
    // Frameworks that render components on a server have to know that this is for browsers.
    banner: { js: '\'use client\'' },
    external: ['react'],
    plugins: [{
      name: 'client-of-the-package',
      setup ({ onResolve }) { onResolve({ filter: /src\/client\/index\.js$/ }, () => ({ path: './index.mjs', external: true })) }
    }]
  })
  writeOutput(output)
  // In place of a kilobyte of what may be needed elsewhere.
  const text = output.outputFiles[0].text
    .replace(/^import (\{.*?\}) from "(.*?)";$/gm, (_, names, module) => `const ${names} = require("${module.replace('index.mjs', 'client.js')}");`)
    .replace(/^export (\{.*?\});$/ms, 'module.exports = $1;')
  writeOutput({ outputFiles: [{ path: join(directory, 'react.js'), text }] })
}

/** Writes dist/ of the package to a directory; without types where only what runs is needed. */
export async function writeClientPackage (directory, { types = true } = {}) {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  await writeModules(directory)
  for (const [name, module] of Object.entries(SCRIPTS)) await writeScript(directory, name, module)
  await writeReact(directory)
  for (const [name, text] of Object.entries(types ? clientTypes() : {})) writeFileSync(join(directory, name), text)
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await writeClientPackage(join(SOURCE, 'dist'))
  copyFileSync(join(root, 'LICENSE'), join(SOURCE, 'LICENSE'))
}
