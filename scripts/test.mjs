// `npm test`: lint, types, build, tests and coverage, closed by how long each took and one line `N passed, N failed`.
// N counts tests (the innermost `t.test`); lint, types, coverage and whatever else goes wrong add one failure each.
// Arguments go to tap, and then nothing but tap runs, without coverage: `npm test -- test/wire/close.test.ts`.
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { require, root } from './root.mjs'
import { bin, check, conclude, heading, run, timed } from './steps.mjs'
import { countTests } from './tap-results.mjs'

const covered = ['src', 'plugins', 'routes']
const MEASURED = ['lines', 'branches', 'functions', 'statements']
const results = join(root, '.tap/results.tap')
const loader = pathToFileURL(join(root, 'scripts/tap-loader.mjs')).href
const coverage = join(root, '.tap/report/coverage-summary.json')

const tapArguments = process.argv.slice(2)
const whole = tapArguments.length === 0
const result = { passed: 0, failures: [], seconds: {} }

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

async function runTests () {
  mkdirSync(dirname(results), { recursive: true })
  rmSync(results, { force: true })
  const options = whole ? ['--coverage-report=none', '--allow-incomplete-coverage'] : ['--disable-coverage', '--allow-empty-coverage', ...tapArguments]
  // Without a terminal the reporter would redraw its progress line by line; CI makes it print what is final.
  const env = { ...process.stdout.isTTY ? {} : { CI: 'true' }, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${loader}`.trim() }
  const { code } = await run([bin('tap'), '--reporter=base', `--output-file=${relative(root, results)}`, ...options], { env })
  const counted = await readResults()
  result.passed += counted.passed
  result.failures.push(...counted.failures)
  if (code !== 0 && counted.failures.length === 0) result.failures.push(`tap: ended with exit code ${code}`)
}

async function readResults () {
  try {
    return await countTests(readFileSync(results, 'utf8'))
  } catch (error) {
    return { passed: 0, failures: [`tap: left no results (${error.message})`] }
  }
}

async function reportCoverage () {
  rmSync(coverage, { force: true })
  await run([bin('tap'), 'report', '--allow-incomplete-coverage', '--coverage-report=text', '--coverage-report=json-summary'])
  const gaps = checkCoverage()
  if (gaps.length > 0) result.failures.push(['coverage of src, plugins and routes is not 100 %', ...gaps].join('\n      '))
}

async function step (name, title, part) {
  heading(title)
  const { seconds } = await timed(part)
  result.seconds[name] = seconds
}

// Before anything that has to be installed is used.
const build = await timed(() => run(['scripts/prepare.mjs', 'test']))
result.seconds.build = build.seconds
if (build.code !== 0) process.exit(build.code)

if (whole) {
  const { failures, seconds } = await check()
  result.failures.push(...failures)
  Object.assign(result.seconds, seconds)
}
await step('tests', 'Tests', runTests)
if (whole) await step('coverage', 'Coverage', reportCoverage)
conclude(result)
