// Writes docs/configuration.md and docs/errors.md from the schema of the options, src/errors.ts and their comments, and the hashes of
// the client to docs/client.md; needs a build.
import { readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { clientFiles, version } from './integrity.mjs'
import { root } from './root.mjs'

const SECTIONS = [
  ['Service', 'service', 'serviceOptions', 'Variables of the service alone; a host has its own ways to set them.'],
  ['Routes', 'connections', 'routeOptions', 'Options of the plugin alone.'],
  ['History and engine', 'history', 'historyOptions'],
  ['Channels', 'channels', 'channelOptions', 'An unknown field of a rule stops the start, as an unknown option does.'],
  ['Connections', 'connections', 'connectionOptions'],
  ['Authentication and authorization', 'access', 'accessOptions'],
  ['Limits', 'limits', 'limitOptions', 'The defaults suit a machine with 512 MiB. `GET /-/limits` tells how often each was hit.'],
  ['Metrics', 'metrics', 'metricsOptions', 'See [Monitoring](monitoring.md).']
]
const UNITS = [[1024 ** 3, 'GiB'], [1024 ** 2, 'MiB'], [1024, 'KiB']]

/** The comments of the properties, or variables and classes, of a file by name. */
function commentsOf (file) {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.ES2023, true)
  const comments = new Map()
  const visit = (node) => {
    const owner = ts.isVariableDeclaration(node) ? node.parent.parent : node
    const name = node.name?.getText()
    if (name !== undefined && (ts.isPropertyAssignment(node) || ts.isVariableDeclaration(node) || ts.isClassDeclaration(node))) {
      const texts = ts.getJSDocCommentsAndTags(owner).map(({ comment }) => ts.getTextOfJSDocComment(comment))
      const text = texts.find((found) => found !== undefined)
      if (text !== undefined) comments.set(name, text.replaceAll(/\s*\n\s*/g, ' '))
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return comments
}

/** The description and the default of an option: numbers from the schema, the rest from the last sentence of the comment. */
function describe (comment, schema, seconds) {
  const [, description, said] = /^(.*?)(?:\s*Default:? (.*?)\.?)?$/.exec(comment)
  // The unit of the variable is another one, and stands in the column of the value.
  return { description: seconds ? description.replace(/^Milliseconds/, 'Time') : description, byDefault: typeof schema.default === 'number' ? quantity(schema.default, seconds) : said ?? 'none' }
}

function quantity (value, seconds) {
  if (seconds) return `${value / 1_000} s`
  const [size, unit] = UNITS.find(([size]) => value >= size && value % size === 0) ?? []
  return size === undefined ? String(value) : `${value} (${value / size} ${unit})`
}

function row (cells) {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

/** The text of docs/configuration.md for the schemas of the options, by the names of {@link SECTIONS}. */
export function configurationText (schemas, { variablesOf, factorOf, ruleOf }) {
  const sections = SECTIONS.map(([title, file, name, note]) => {
    const comments = commentsOf(`src/options/${file}.ts`)
    const rows = Object.entries(schemas[name]).map(([option, schema]) => {
      const factor = factorOf(schema)
      const { description, byDefault } = describe(comments.get(option), schema, factor > 1)
      const variables = variablesOf(schema).map((variable) => `\`${variable}\``).join(', ')
      return row([variables || '–', name === 'serviceOptions' ? '–' : `\`${option}\``, byDefault, `${ruleOf(schema, factor)}${factor > 1 ? ' (s)' : ''}`, description])
    })
    return [`## ${title}`, note, [row(['variable', 'option', 'default', 'value', 'meaning']), '|---|---|---|---|---|', ...rows].join('\n')].filter(Boolean).join('\n\n')
  })
  return [
    '# Configuration',
    'The service reads its environment; the plugin takes the same settings as options. Variables of durations are in seconds, options in milliseconds. Variables that are lists are separated by commas. `<NAME>_FILE` names a file that holds the value.',
    'An invalid value stops the start with one line: the variable\'s name, the rule and the value (never the value of a secret). An unknown variable that nearly has the name of a known one is logged. `fastify-messenger --help` lists the variables.',
    ...sections
  ].join('\n\n') + '\n'
}

/** The text of docs/errors.md for the module src/errors.ts. */
export function errorsText (errors) {
  const comments = commentsOf('src/errors.ts')
  const rows = [...comments].filter(([name]) => name.endsWith('Error')).map(([name, comment]) => {
    const { code, statusCode } = new errors[name]()
    const template = messageOf(name)
    return row([`\`${code}\``, code === 'MSG_ERR_CONFIG_INVALID' ? '–' : String(statusCode), comment, template === '%s' ? 'names the setting, its rule and the value' : template.replaceAll(/%[sd]/g, '…')])
  })
  return [
    '# Errors',
    'Every error body is `{"statusCode","code","error","message"}`; in process `code`, `statusCode` and `message` are properties of the error. Nothing was delivered when one of these is the answer, except where Redis was lost: then it is unknown. Codes are stable, messages are not.',
    [row(['code', 'status', 'cause', 'message']), '|---|---|---|---|', ...rows].join('\n'),
    'A WebSocket is closed with the code of the error as reason: 400 and 404 with 1008, 401 with 4401, 403 with 4403, all others with 1013.'
  ].join('\n\n') + '\n'
}

/** The text of docs/client.md with the names and hashes that the files of the client have. */
export function clientText (text) {
  const files = clientFiles()
  const table = [row(['file', 'integrity']), '|---|---|', ...files.map(({ name, integrity }) => row([`\`${name}\``, `\`${integrity}\``]))].join('\n')
  return text
    .replace(/^\| file \| integrity \|\n(\|.*\n)+/m, () => `${table}\n`)
    .replace(/client\.\d[\w.-]*\.js"(\s+)integrity="[^"]*"/, (_, space) => `${files[0].name}"${space}integrity="${files[0].integrity}"`)
    .replace(/(?<=`client\.)\d[\w.-]*(?=\.js` is)/, version)
}

/** The message of an error as it is written in the source: the message of an instance has its parameters filled in. */
function messageOf (name) {
  const source = readFileSync(join(root, 'src/errors.ts'), 'utf8')
  const [, text] = new RegExp(`\\b${name} (?:=|extends) createError(?:<[^(]*>)?\\(\\s*'\\w+',\\s*'((?:[^'\\\\]|\\\\.)*)'`).exec(source)
  return text.replaceAll('\\\'', '\'')
}

async function main () {
  const load = (file) => import(new URL(`../dist/src/${file}.js`, import.meta.url))
  const modules = await Promise.all([...new Set(SECTIONS.map(([, file]) => `options/${file}`))].map(load))
  writeFileSync(join(root, 'docs/configuration.md'), configurationText(Object.assign({}, ...modules), await load('options/metadata')))
  writeFileSync(join(root, 'docs/errors.md'), errorsText(await load('errors')))
  const client = join(root, 'docs/client.md')
  writeFileSync(client, clientText(readFileSync(client, 'utf8')))
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main()
