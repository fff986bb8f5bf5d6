import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build, type BuildOptions } from 'esbuild'
import type { Test } from 'tap'
import { writeClientPackage } from '../../scripts/client-package.mjs'

/** Bundles programs of pages, which import the package `fastify-messenger-client` as it is published. */
export class Bundler {
  private constructor (private readonly directory: string) {}

  static async create (t: Test): Promise<Bundler> {
    // Within the repository, whose packages the hook for React has to find.
    mkdirSync('.tap', { recursive: true })
    const directory = resolve(mkdtempSync('.tap/client-package-'))
    t.teardown(() => { rmSync(directory, { recursive: true, force: true }) })
    await writeClientPackage(directory, { types: false })
    return new Bundler(directory)
  }

  /** Resolves with the text of a script. */
  async bundle (options: BuildOptions): Promise<string> {
    const inPackage = (file: string): string => join(this.directory, file)
    const { outputFiles } = await build({
      bundle: true,
      format: 'iife',
      write: false,
      logLevel: 'error',
      jsx: 'automatic',
      define: { 'process.env.NODE_ENV': '"development"' },
      ...options,
      alias: {
        'fastify-messenger-client/react': inPackage('react.mjs'),
        'fastify-messenger-client/shared': inPackage('shared.mjs'),
        'fastify-messenger-client': inPackage('index.mjs'),
        ...options.alias
      }
    })
    const [output] = outputFiles ?? []
    return output?.text ?? ''
  }

  /** Resolves with a page that runs a program. */
  async page (options: BuildOptions, body = '<main></main>'): Promise<string> {
    const script = await this.bundle(options)
    return `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body>${body}</body><script>${script.replaceAll('</script', '<\\/script')}</script>`
  }
}
