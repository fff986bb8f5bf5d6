// The results of each test in a run of tap, from its TAP output. tap exits with 0 when tests are skipped or to do, and its own figures
// count assertions, so that both are computed here.
import { createRequire } from 'node:module'
import { require } from './root.mjs'

const MAX_LINES = 40

/** Counts the tests (the innermost `t.test`) of a TAP text: those that passed, and a line for each that failed or was left out. */
export async function countTests (text) {
  const tapParser = createRequire(createRequire(require.resolve('tap')).resolve('@tapjs/core')).resolve('tap-parser')
  const { Parser } = await import(tapParser)
  const parser = new Parser()
  const suite = follow(parser)
  parser.end(text)
  const result = { passed: 0, failures: [] }
  count(suite, [], result)
  return result
}

function follow (parser, name) {
  const test = { name, ok: true, failed: [], omissions: [], children: [] }
  parser.on('child', (child) => { test.children.push(follow(child, child.name)) })
  parser.on('assert', ({ ok, name, skip, todo, diag }) => {
    const child = test.children.find((child) => child.result === undefined && child.name === name)
    if (child) Object.assign(child, { result: ok, omitted: skip || todo, ended: ok ? [] : endOf(diag) })
    if (skip || todo) test.omissions.push(`${name} (${skip ? 'skipped' : 'to do'})`)
    else if (!ok && !child) test.failed.push(withPlace(name, diag))
  })
  parser.on('bailout', (reason) => { test.failed.push(`bail out ${reason}`) })
  parser.on('complete', ({ ok }) => { test.ok = ok })
  return test
}

/** How the process of a test file ended, where that was not by itself and in order. */
function endOf ({ exitCode, signal, expired, timeout } = {}) {
  const told = { 'exit code': exitCode, signal, 'not done after': timeout ?? expired }
  return Object.entries(told).filter(([, value]) => value !== undefined && value !== null).map(([what, value]) => `${what} ${value}`)
}

function withPlace (name, { at, diff, found, wanted, error } = {}) {
  const place = at?.fileName ? ` (${at.fileName}:${at.lineNumber})` : ''
  const what = diff ?? error?.message ?? (wanted === undefined ? '' : `found ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`)
  return [`${name}${place}`, ...what === '' ? [] : what.trimEnd().split('\n').slice(0, MAX_LINES)].join('\n        ')
}

function count (test, outer, result) {
  const { failures } = result
  const path = test.name === undefined ? outer : [...outer, test.name]
  const before = failures.length
  for (const child of test.children) count(child, path, result)
  for (const name of test.omissions) failures.push([...path, name].join(' › '))
  const ok = test.ok && test.result !== false && test.failed.length === 0
  // A failed child explains its parent; a parent that failed by itself (a crash, a timeout) is a failure of its own.
  if (!ok && failures.length === before) failures.push([path.join(' › ') || 'tap', ...test.failed, ...test.ended ?? []].join('\n      '))
  else if (ok && !test.omitted && failures.length === before && test.children.length === 0) result.passed++
}
