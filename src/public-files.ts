import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where this package is, whether it runs from source or compiled. */
export const packageDirectory: string = packageRoot(dirname(fileURLToPath(import.meta.url)))

/** The directory of the files that are served: `public/` of this package. */
export const publicDirectory: string = join(packageDirectory, 'public')

/** The names of the files that are served, which no channel may have. */
export function publicFiles (): ReadonlySet<string> {
  return new Set(readdirSync(publicDirectory))
}

function packageRoot (directory: string): string {
  return existsSync(join(directory, 'package.json')) ? directory : packageRoot(dirname(directory))
}
