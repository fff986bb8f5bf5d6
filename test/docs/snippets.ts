import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { Test } from 'tap'
import ts from 'typescript'
import type { Document } from './document.js'

/** In the directory of the package its name stands for itself, as it does where it is installed. */
const DIRECTORY = join('.tap', 'docs')

/** Declarations that the snippets assume. */
const SURROUNDINGS = `
import type { FastifyInstance } from 'fastify'
import type plugin from 'fastify-messenger'
import type { connectToChannel as connect } from 'fastify-messenger/client'
declare global {
  const app: FastifyInstance
  const messenger: typeof plugin
  const connectToChannel: typeof connect
  function userOf (cookie: string | undefined): Promise<{ id: string, sessionEndsAt: Date } | undefined>
  function show (message: unknown): void
}
`

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.NodeNext,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  skipLibCheck: true
}

/** A directory inside the package, which the end of the test removes. */
export function scratch (t: Test, name: string): string {
  const directory = join(DIRECTORY, name)
  mkdirSync(directory, { recursive: true })
  t.teardown(() => { rmSync(directory, { recursive: true, force: true }) })
  return directory
}

/** The errors of the compiler in the JavaScript of pages. */
export function typeErrors (t: Test, pages: readonly Document[]): string[] {
  const directory = scratch(t, 'types')
  const files = [join(directory, 'surroundings.d.mts')]
  writeFileSync(files[0] as string, SURROUNDINGS)
  for (const { path, blocks } of pages) {
    for (const [index, { language, code }] of blocks.entries()) {
      if (language !== 'js') continue
      const file = join(directory, `${basename(path, '.md')}-${index}.mts`)
      writeFileSync(file, `${code}\nexport {}\n`)
      files.push(file)
    }
  }
  return errorsOf(files, OPTIONS)
}

/** The errors of the compiler in files of a front end that has a bundler, each with its name. */
export function componentErrors (t: Test, files: readonly { name: string, code: string }[]): string[] {
  const directory = scratch(t, 'components')
  for (const { name, code } of files) writeFileSync(join(directory, name), code)
  return errorsOf(files.map(({ name }) => join(directory, name)), {
    ...OPTIONS,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    jsx: ts.JsxEmit.ReactJSX,
    types: [],
    paths: {
      'fastify-messenger-client': [resolve('src/client/index.ts')],
      'fastify-messenger-client/react': [resolve('packages/client/src/react.mts')]
    }
  })
}

function errorsOf (files: readonly string[], options: ts.CompilerOptions): string[] {
  const program = ts.createProgram(files.map((file) => resolve(file)), options)
  return ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    return `${basename(file?.fileName ?? '')}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
  })
}
