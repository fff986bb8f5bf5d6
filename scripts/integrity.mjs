// The hashes by which a page can tell that a script is the one that it means (Subresource Integrity), of the client in public/.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './root.mjs'

export const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const FILES = ['client.js', 'client.mjs', 'client.shared.js', 'client.shared.mjs']

/** The files of the client: `name` is the one with the version, `integrity` the hash as it stands in a script tag. Needs a build. */
export function clientFiles () {
  return FILES.map((file) => {
    const hash = createHash('sha384').update(readFileSync(join(root, 'public', file))).digest('base64')
    return { file, name: file.replace(/(?=\.\w+$)/, `.${version}`), integrity: `sha384-${hash}` }
  })
}
