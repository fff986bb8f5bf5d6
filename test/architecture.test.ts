import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'typescript'
import t from 'tap'
import { root } from '../scripts/root.mjs'

const FOLDERS = ['src', 'plugins', 'routes', 'console']

interface Import {
  /** The file that imports, like `src/wire/id.ts`. */
  from: string
  /** A file of this package, like `src/wire/id.ts`, or the name of another one. */
  to: string
  /** Whether only types are imported, which are gone at run time. */
  types: boolean
}

const files = FOLDERS.flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => posix.join(folder, name)))
  .filter((name) => name.endsWith('.ts')).sort()
const sources = new Map(files.map((name) => [name, ts.createSourceFile(name, readFileSync(join(root, name), 'utf8'), ts.ScriptTarget.ES2023, true)]))
const imports = [...sources].flatMap(([from, source]) => importsOf(from, source))

function importsOf (from: string, source: ts.SourceFile): Import[] {
  const found: Import[] = []
  const add = (specifier: string, types: boolean): void => {
    found.push({ from, to: specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts') : packageOf(specifier), types })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier))
      add(node.moduleSpecifier.text, isTypesOnly(node.importClause))
    else if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier))
      add(node.moduleSpecifier.text, node.isTypeOnly)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments
      if (argument && ts.isStringLiteral(argument)) add(argument.text, false)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function isTypesOnly (clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const { name, namedBindings } = clause
  return name === undefined && namedBindings !== undefined && ts.isNamedImports(namedBindings) &&
    namedBindings.elements.every(({ isTypeOnly }) => isTypeOnly)
}

function classesOf (node: ts.Node): ts.ClassLikeDeclaration[] {
  const found = ts.isClassLike(node) ? [node] : []
  ts.forEachChild(node, (child) => { found.push(...classesOf(child)) })
  return found
}

/** The number of fields that each instance of a class has from it, parameters of the constructor that are properties included. */
function fieldsOf (node: ts.ClassLikeDeclaration): number {
  const elsewhere = ({ kind }: ts.ModifierLike): boolean => kind === ts.SyntaxKind.StaticKeyword || kind === ts.SyntaxKind.DeclareKeyword
  const properties = node.members.filter((member) => ts.isPropertyDeclaration(member) && member.modifiers?.some(elsewhere) !== true)
  const parameters = node.members.filter(ts.isConstructorDeclaration).flatMap((constructor) => [...constructor.parameters])
  return properties.length + parameters.filter((parameter) => ts.isParameterPropertyDeclaration(parameter, parameter.parent)).length
}

function packageOf (specifier: string): string {
  return specifier.startsWith('node:') ? specifier : specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}

/** The imports of the files that `from` matches, those of types left out unless asked for. */
function arrows (from: RegExp, { types = false } = {}): Import[] {
  return imports.filter((arrow) => from.test(arrow.from) && (types || !arrow.types))
}

/** The imports that lead to a forbidden place. */
function astray (found: Import[], allowed: RegExp): string[] {
  return found.filter(({ to }) => !allowed.test(to)).map(({ from, to }) => `${from} imports ${to}`)
}

t.test('the arrows between the parts', async (t) => {
  t.test('were found, each to a file that exists', async (t) => {
    t.ok(imports.length > 100)
    t.ok(imports.some(({ from, to, types }) => from === 'src/messenger.ts' && to === 'routes/send.ts' && !types))
    t.ok(imports.some(({ from, to, types }) => from === 'src/wire/websocket.ts' && to === 'src/wire/envelope.ts' && types))
    t.strictSame(imports.filter(({ to }) => FOLDERS.some((folder) => to.startsWith(`${folder}/`)) && !sources.has(to)), [])
  })

  t.test('lead from the wire to nothing but the errors', async (t) => {
    t.strictSame(astray(arrows(/^src\/wire\//), /^(src\/wire\/|src\/errors\.ts$|node:)/), [])
    t.strictSame(astray(arrows(/^src\/wire\//, { types: true }), /^(src\/(wire|brokers|channels)\/|src\/errors\.ts$|@fastify\/error$|node:)/), [])
  })

  t.test('lead from the brokers to the wire, and of packages to that of their engine', async (t) => {
    t.strictSame(astray(arrows(/^src\/brokers\/[^/]*$/), /^(src\/brokers\/[^/]*$|src\/wire\/|src\/errors\.ts$|node:)/), [])
    t.strictSame(astray(arrows(/^src\/brokers\/redis\//), /^(src\/brokers\/|src\/wire\/|src\/errors\.ts$|node:|ioredis$|p-limit$)/), [])
  })

  t.test('lead from the channels to the wire and the metrics; of the brokers they know the contract', async (t) => {
    t.strictSame(astray(arrows(/^src\/channels\//), /^(src\/channels\/|src\/brokers\/broker\.ts$|src\/metrics\/|src\/wire\/|src\/errors\.ts$|node:)/), [])
  })

  t.test('lead from the transports to the channels and the wire', async (t) => {
    t.strictSame(astray(arrows(/^src\/transports\//), /^(src\/transports\/|src\/channels\/|src\/wire\/|src\/http\/internals\.ts$|src\/errors\.ts$|node:)/), [])
  })

  t.test('lead from the metrics to the wire and the names of limits', async (t) => {
    t.strictSame(astray(arrows(/^src\/metrics\//), /^(src\/metrics\/|src\/wire\/|src\/limits\/limit-counters\.ts$|node:)/), [])
  })

  t.test('lead from access and limits to the wire and the errors', async (t) => {
    t.strictSame(astray(arrows(/^src\/access\//), /^(src\/access\/|src\/wire\/|src\/errors\.ts$|node:|@fastify\/error$|fast-jwt$|jose$)/), [])
    t.strictSame(astray(arrows(/^src\/limits\//, { types: true }), /^(src\/limits\/|src\/wire\/text\.ts$|src\/errors\.ts$|@fastify\/error$)/), [])
  })

  t.test('lead to Fastify and ws from none of these, not even for types', async (t) => {
    const found = arrows(/^src\/(access|channels|brokers|limits|metrics|wire)\//, { types: true }).filter(({ to }) => /^(fastify|ws|fastify-plugin|@fastify\/(?!error$).*)$/.test(to))
    t.strictSame(found, [])
  })

  t.test('lead from the plugins to no route, and from the routes to no broker', async (t) => {
    t.strictSame(arrows(/^plugins\//, { types: true }).filter(({ to }) => to.startsWith('routes/')), [])
    t.strictSame(arrows(/^routes\//).filter(({ to }) => to.startsWith('src/brokers/')), [])
  })

  t.test('lead down only: server, messenger, routes, plugins, and then the rest', async (t) => {
    const order = [/^src\/server\.ts$/, /^src\/messenger\.ts$/, /^routes\//, /^plugins\//, /^src\/(access|channels|brokers|http|limits|metrics|wire|transports)\//]
    const rank = (file: string): number => order.findIndex((pattern) => pattern.test(file))
    const upward = imports.filter(({ from, to }) => rank(to) >= 0 && rank(from) > rank(to))
    t.strictSame(upward, [])
    t.strictSame(imports.filter(({ from, to }) => to === 'src/server.ts' && from !== 'src/cli/main.ts'), [], 'nothing but the program imports the process')
  })

  t.test('make no circle', async (t) => {
    const circles: string[] = []
    const done = new Set<string>()
    const walk = (file: string, path: string[]): void => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' > '))
      if (done.has(file) || path.includes(file)) return
      for (const { from, to, types } of imports) if (from === file && !types && sources.has(to)) walk(to, [...path, file])
      done.add(file)
    }
    for (const file of files) walk(file, [])
    t.strictSame(circles, [])
  })

  t.test('lead to the commands from the process alone, and from them to no plugin and no route', async (t) => {
    t.strictSame(imports.filter(({ from, to }) => to.startsWith('src/cli/') && !/^src\/(cli\/|server\.ts$|usage\.ts$)/.test(from)), [])
    t.strictSame(imports.filter(({ from, to }) => from.startsWith('src/cli/') && /^(plugins|routes)\/|^src\/messenger\.ts$/.test(to)), [])
  })

  t.test('lead from the publisher to nothing: it runs where there is fetch and no Node.js', async (t) => {
    t.strictSame(astray(arrows(/^src\/publisher\//, { types: true }), /^src\/publisher\//), [])
  })

  t.test('leave the client alone', async (t) => {
    t.strictSame(astray(arrows(/^src\/client\//, { types: true }), /^src\/client\//), [])
    t.strictSame(imports.filter(({ from, to }) => to.startsWith('src/client/') && !/^(src\/client|console)\//.test(from)), [])
  })

  t.test('lead from the console to the client, and to nothing from elsewhere', async (t) => {
    t.strictSame(astray(arrows(/^console\//, { types: true }), /^(console|src\/client)\//), [])
    t.strictSame(astray(arrows(/^console\/json\//), /^console\/json\//), [])
    t.strictSame(astray(arrows(/^console\/(live|service)\//), /^(console\/(json|live|service|signal)|src\/client)\b/), [])
    t.strictSame(imports.filter(({ from, to }) => to.startsWith('console/') && !from.startsWith('console/')), [])
  })
})

t.test('the private parts of Node and ws', async (t) => {
  t.test('are named in one file alone', async (t) => {
    const PRIVATE = /\b(_httpMessage|_socket|_receiver|_sender|_autoPong|_connectionListener|assignSocket|detachSocket)\b/
    t.strictSame(files.filter((name) => PRIVATE.test(sources.get(name)?.text ?? '')), ['src/http/internals.ts'])
  })
})

t.test('plugins/ and routes/', async (t) => {
  t.test('hold plugins and routes: each file exports a function by default, and nothing else at run time', async (t) => {
    for (const [name, source] of sources) {
      if (!/^(plugins|routes)\//.test(name)) continue
      const exported = source.statements.filter((statement) => ts.canHaveModifiers(statement) &&
        !ts.isInterfaceDeclaration(statement) && !ts.isTypeAliasDeclaration(statement) &&
        ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword))
      t.equal(source.statements.filter(ts.isExportAssignment).length, 1, name)
      t.strictSame(exported.map((statement) => statement.getText().slice(0, 60)), [], name)
    }
  })
})

t.test('a file', async (t) => {
  t.test('has at most 250 lines, but for the one of the errors', async (t) => {
    const lines = (name: string): number => (sources.get(name)?.text ?? '').split('\n').length - 1
    t.strictSame(files.filter((name) => name !== 'src/errors.ts' && lines(name) > 250).map((name) => `${name}: ${lines(name)}`), [])
  })
})

t.test('a class', async (t) => {
  t.test('has at most ten fields of its own', async (t) => {
    const found = [...sources].flatMap(([name, source]) => classesOf(source).map((node) => ({ name, node, fields: fieldsOf(node) })))
    t.strictSame(found.filter(({ fields }) => fields > 10).map(({ name, node, fields }) => `${name}, ${node.name?.text ?? 'a class'}: ${fields}`), [])
  })
})

t.test('Fastify', async (t) => {
  t.test('is imported as a value by the process alone', async (t) => {
    t.strictSame(imports.filter(({ to, types }) => to === 'fastify' && !types).map(({ from }) => from), ['src/server.ts'])
  })
})

t.test('the environment', async (t) => {
  t.test('is read by the process and its configuration alone', async (t) => {
    const readers = files.filter((name) => !name.startsWith('src/client/') && /\bprocess\s*(\??\.\s*env\b|\[\s*['"`]env)|\benv\b[^}]*\}\s*=\s*process\b/.test(sources.get(name)?.text ?? ''))
    t.strictSame(readers.filter((name) => name !== 'src/config.ts'), ['src/cli/main.ts', 'src/server.ts'])
  })
})
