import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The directory of the repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))
/** Finds modules from there. */
export const require = createRequire(import.meta.url)

/** When a file was modified, in milliseconds since 1970; 0 if it does not exist. */
export function modified (path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
