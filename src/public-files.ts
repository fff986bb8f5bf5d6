import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The directory of this package, whether it runs from source or compiled. */
export const packageDirectory: string = packageRoot(dirname(fileURLToPath(import.meta.url)))

/** The directory of the served files: `public/` of this package. */
export const publicDirectory: string = join(packageDirectory, 'public')

/** The names of the served files, which are reserved. */
export function publicFiles (): ReadonlySet<string> {
  return new Set(readdirSync(publicDirectory))
}

function packageRoot (directory: string): string {
  return existsSync(join(directory, 'package.json')) ? directory : packageRoot(dirname(directory))
}
