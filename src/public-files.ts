import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The directory of this package, whether it runs from source or compiled. */
export const packageDirectory: string = packageRoot(dirname(fileURLToPath(import.meta.url)))

/** The directory of the served files: `public/` of this package. */
export const publicDirectory: string = join(packageDirectory, 'public')

/** A file of `public/` as it is served. */
export interface ServedFile {
  readonly file: string
  /** Whether the name never stands for another content, so that it may be cached forever. */
  readonly immutable: boolean
}

/** The version of this package. */
export function packageVersion (): string {
  return (JSON.parse(readFileSync(join(packageDirectory, 'package.json'), 'utf8')) as { version: string }).version
}

/** The names of the files in `public/`. */
export function publicFiles (): ReadonlySet<string> {
  return new Set(readdirSync(publicDirectory))
}

/**
 * The files by the names under which they are served, which are reserved: those of the client also with the version, like
 * `client.1.2.3.js`.
 */
export function servedFiles (): ReadonlyMap<string, ServedFile> {
  const version = packageVersion()
  const served = new Map<string, ServedFile>()
  for (const file of publicFiles()) {
    served.set(file, { file, immutable: false })
    if (isClient(file)) served.set(file.replace(/(?=\.\w+$)/, `.${version}`), { file, immutable: true })
  }
  return served
}

/** Whether the file is one of the client, and not of the page. */
export function isClient (file: string): boolean {
  return file.startsWith('client.')
}

function packageRoot (directory: string): string {
  return existsSync(join(directory, 'package.json')) ? directory : packageRoot(dirname(directory))
}
