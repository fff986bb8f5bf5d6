// The types of modules for CommonJS: TypeScript takes a `.d.ts` of this package for those of an ES module.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './root.mjs'

/** Writes each `.d.ts` of a directory as `.d.cts` to another one, or to the same. */
export function writeCommonJsTypes (from, to = from) {
  mkdirSync(join(root, to), { recursive: true })
  for (const name of readdirSync(join(root, from)).filter((file) => file.endsWith('.d.ts'))) {
    const text = readFileSync(join(root, from, name), 'utf8').replaceAll(/(['"]\.\/[\w-]+)\.js(['"])/g, '$1.cjs$2')
    writeFileSync(join(root, to, name.replace(/\.d\.ts$/, '.d.cts')), text)
  }
}
