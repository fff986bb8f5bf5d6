// `npm test`: lint, types, tests and coverage, closed by one line `N passed, N failed`.
// N counts tests (the innermost `t.test`); lint, types, coverage and whatever else goes wrong add one failure each.
// Arguments go to tap, and then nothing but tap runs, without coverage: `npm test -- test/wire/close.test.ts`.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const require = createRequire(import.meta.url)
const covered = ['src', 'plugins', 'routes']
const MEASURED = ['lines', 'branches', 'functions', 'statements']
const results = join(root, '.tap/results.tap')
const coverage = join(root, '.tap/report/coverage-summary.json')

const tapArguments = process.argv.slice(2)
const failures = []
let passed = 0

function heading (text) {
  console.log(`\n── ${text} ${'─'.repeat(Math.max(0, 74 - text.length))}\n`)
}

function bin (packageName, name = packageName) {
  const manifest = require.resolve(`${packageName}/package.json`)
  const { bin } = require(manifest)
  return join(dirname(manifest), typeof bin === 'string' ? bin : bin[name])
}

async function run (args, { quiet = false, env = {} } = {}) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit', env: { ...process.env, ...env } })
  let output = ''
  child.stdout?.on('data', (chunk) => { output += chunk })
  child.stderr?.on('data', (chunk) => { output += chunk })
  const [code] = await once(child, 'close')
  return { code: code ?? 1, output }
}

async function lint () {
  return await run([bin('eslint'), '.', ...(process.stdout.isTTY ? ['--color'] : [])], { quiet: true })
}

async function types () {
  const outputs = []
  for (const project of ['tsconfig.json', 'src/client/tsconfig.json', 'test/tsconfig.json']) {
    const { code, output } = await run([bin('typescript', 'tsc'), '-p', project, '--noEmit', ...(process.stdout.isTTY ? ['--pretty'] : [])], { quiet: true })
    if (code !== 0) outputs.push(output)
  }
  return { code: outputs.length, output: outputs.join('') }
}

// tap ends with 0 when tests are skipped or to do, and its own figures count assertions: both are read from its results.
async function countTests () {
  const tapParser = createRequire(createRequire(require.resolve('tap')).resolve('@tapjs/core')).resolve('tap-parser')
  const { Parser } = await import(tapParser)
  const parser = new Parser()
  const suite = follow(parser)
  parser.end(readFileSync(results, 'utf8'))
  count(suite, [])
}

function follow (parser, name) {
  const test = { name, ok: true, failed: [], omissions: [], children: [] }
  parser.on('child', (child) => { test.children.push(follow(child, child.name)) })
  parser.on('assert', ({ ok, name, skip, todo }) => {
    const child = test.children.find((child) => child.result === undefined && child.name === name)
    if (child) Object.assign(child, { result: ok, omitted: skip || todo })
    if (skip || todo) test.omissions.push(`${name} (${skip ? 'skipped' : 'to do'})`)
    else if (!ok && !child) test.failed.push(name)
  })
  parser.on('bailout', (reason) => { test.failed.push(`bail out ${reason}`) })
  parser.on('complete', ({ ok }) => { test.ok = ok })
  return test
}

function count (test, outer) {
  const path = test.name === undefined ? outer : [...outer, test.name]
  const before = failures.length
  for (const child of test.children) count(child, path)
  for (const name of test.omissions) failures.push([...path, name].join(' › '))
  const ok = test.ok && test.result !== false && test.failed.length === 0
  // A failed child explains its parent; a parent that failed by itself (a crash, a timeout) is a failure of its own.
  if (!ok && failures.length === before) failures.push([path.join(' › ') || 'tap', ...test.failed].join('\n      '))
  else if (ok && !test.omitted && failures.length === before && test.children.length === 0) passed++
}

// Coverage knows nothing of a file that no test loads, so the files are looked for.
function checkCoverage () {
  let summary = {}
  try {
    summary = JSON.parse(readFileSync(coverage, 'utf8'))
  } catch {
    return ['no coverage was recorded']
  }
  const files = covered.flatMap((directory) => readdirSync(join(root, directory), { recursive: true }).map((name) => join(directory, name)))
  return files.filter((file) => file.endsWith('.ts')).sort().flatMap((file) => {
    const figures = summary[join(root, file)]
    if (!figures) return hasCode(file) ? [`${file}: no test loads it`] : []
    const gaps = Object.entries(figures).filter(([kind, { pct, total }]) => MEASURED.includes(kind) && total > 0 && pct < 100)
    return gaps.length > 0 ? [`${file}: ${gaps.map(([kind, { pct }]) => `${pct} % of ${kind}`).join(', ')}`] : []
  })
}

// Types alone compile to nothing; what is excluded in the file itself, with its reason, is not missed either.
function hasCode (file) {
  const ts = require('typescript')
  const text = readFileSync(join(root, file), 'utf8').replace(/\/\* c8 ignore start[\s\S]*?(\/\* c8 ignore stop|$)/g, '')
  const compilerOptions = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true, removeComments: true }
  return !['', 'export {};'].includes(ts.transpileModule(text, { compilerOptions }).outputText.trim())
}

async function runTap () {
  mkdirSync(dirname(results), { recursive: true })
  rmSync(results, { force: true })
  rmSync(coverage, { force: true })
  const options = tapArguments.length > 0
    ? ['--disable-coverage', '--allow-empty-coverage', ...tapArguments]
    : ['--coverage-report=text', '--coverage-report=json-summary']
  // Without a terminal the reporter would redraw its progress line by line; CI makes it print what is final.
  const env = process.stdout.isTTY ? {} : { CI: 'true' }
  const { code } = await run([bin('tap'), '--reporter=base', `--output-file=${relative(root, results)}`, ...options], { env })
  const before = failures.length
  await countTests().catch((error) => { failures.push(`tap: left no results (${error.message})`) })
  const gaps = tapArguments.length === 0 ? checkCoverage() : []
  if (gaps.length > 0) failures.push(['coverage of src, plugins and routes is not 100 %', ...gaps].join('\n      '))
  if (code !== 0 && failures.length === before) failures.push(`tap: ended with exit code ${code}`)
}

if (tapArguments.length === 0) {
  const steps = { Lint: lint(), 'Type check': types() }
  for (const [name, step] of Object.entries(steps)) {
    heading(name)
    const { code, output } = await step
    console.log(output.trim() || 'clean')
    if (code !== 0) failures.push(name.toLowerCase())
  }
}
heading('Tests')
await runTap()

heading('Result')
for (const failure of failures) console.log(`failed: ${failure}`)
console.log(`${passed} passed, ${failures.length} failed`)
process.exitCode = failures.length > 0 ? 1 : 0
