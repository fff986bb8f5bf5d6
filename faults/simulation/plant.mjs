import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../../scripts/root.mjs'

/** Makes a copy of the build and of the simulation that has a mistake. Throws where the text to be replaced is not there exactly once. */
export function plant ({ name, changes }) {
  const directory = mkdtempSync(join(tmpdir(), 'messenger-mistake-'))
  for (const part of ['dist/src', 'faults/generator.mjs', 'faults/simulation']) cpSync(join(root, part), join(directory, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'))
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
  for (const [file, from, to] of changes) {
    const path = join(directory, file)
    const parts = readFileSync(path, 'utf8').split(from)
    if (parts.length !== 2) throw new Error(`"${name}": ${file} has ${parts.length - 1} times ${from}`)
    writeFileSync(path, parts.join(to))
  }
  return { directory, program: join(directory, 'faults/simulation/run.mjs'), remove: () => { rmSync(directory, { recursive: true, force: true }) } }
}
