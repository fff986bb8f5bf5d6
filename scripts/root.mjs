import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The directory of the repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))
/** Finds modules from there. */
export const require = createRequire(import.meta.url)
