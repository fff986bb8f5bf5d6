// The types of the package fastify-messenger-client, of the sources of the client.
import { join } from 'node:path'
import ts from 'typescript'
import { root } from './root.mjs'

const ENTRIES = ['index', 'shared', 'react']

/** The global declaration of a page with the classic script. */
const GLOBAL = `import type { connectToChannel as connect } from './index.js'

declare global {
  const connectToChannel: typeof connect
}
`

/** The declarations of the client and the hook, by the names of their sources. Throws where these have errors. */
function declarations () {
  const config = join(root, 'packages/client/tsconfig.json')
  const { fileNames, options } = ts.getParsedCommandLineOfConfigFile(config, { noEmit: false, emitDeclarationOnly: true }, {
    ...ts.sys, onUnRecoverableConfigFileDiagnostic: ({ messageText }) => { throw new Error(String(messageText)) }
  })
  const program = ts.createProgram(fileNames, options)
  const texts = {}
  const { diagnostics } = program.emit(undefined, (name, text) => { texts[name.slice(name.lastIndexOf('/') + 1)] = text })
  const errors = [...ts.getPreEmitDiagnostics(program), ...diagnostics]
  if (errors.length > 0) throw new Error(ts.formatDiagnostics(errors, { getCanonicalFileName: (name) => name, getCurrentDirectory: () => root, getNewLine: () => '\n' }))
  return texts
}

/** The declaration of a variable in a file of declarations, with its comment. */
function declarationOf (text, variable) {
  const source = ts.createSourceFile('x.d.ts', text, ts.ScriptTarget.ES2023, true)
  const statement = source.statements.find((statement) => ts.isVariableStatement(statement) &&
    statement.declarationList.declarations.some(({ name }) => name.getText() === variable))
  return statement.getFullText().trim()
}

/** The files of types, by their names. */
export function clientTypes () {
  const texts = declarations()
  const options = texts['options.d.ts'].trim()
  const files = {
    'index.d.ts': `${options}\n${declarationOf(texts['subscription.d.ts'], 'connectToChannel')}\n`,
    'global.d.ts': GLOBAL,
    'shared.d.ts': 'export * from \'./index.js\'\n',
    'react.d.ts': texts['react.d.mts'].replaceAll('../../../src/client/index.js', './index.js')
  }
  // An ES module may import the types of a CommonJS module; the other way round needs more than all compilers know.
  for (const name of ENTRIES) files[`${name}.d.mts`] = `export * from './${name}.js'\n`
  return files
}
