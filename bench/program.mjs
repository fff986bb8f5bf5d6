// The common part of the benchmark's programs: options, preparation, storing the result, printing.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { machine } from './measure/machine.mjs'
import { benchRoot, prepare, projectRoot } from './process/prepare.mjs'
import { render, sections } from './report/index.mjs'
import { oneMillion } from './report/one-million.mjs'

const RESULTS = join(benchRoot, 'results')

/**
 * Runs `measure` as a program when its file is the one that was started; otherwise does nothing. `options` are its own, beside
 * `--quick`. The result is kept when none is given.
 */
export async function programWhenMain (meta, name, measure, options = {}) {
  if (process.argv[1] === undefined || meta.url !== pathToFileURL(process.argv[1]).href) return
  await finish(async () => {
    const { values } = parseArgs({ options: { quick: { type: 'boolean' }, ...options } })
    prepare()
    await measureAndKeep(name, () => measure(values), Object.keys(values).length === 0)
  })
}

/** Measures, prints the section of the report and, with `keep`, writes it: results/<name>.json, and what is made of all of them. */
export async function measureAndKeep (name, measure, keep) {
  const result = { machine: machine(), ...await measure() }
  const { markdown, failed } = sections[name](result)
  console.log(`\n${markdown}`)
  if (failed > 0) process.exitCode = 1
  if (!keep) return
  mkdirSync(RESULTS, { recursive: true })
  writeFileSync(join(RESULTS, `${name}.json`), JSON.stringify(result, null, 2) + '\n')
  writeReports()
}

/** Writes RESULTS.md and docs/one-million.md from the results that there are. */
export function writeReports () {
  writeFileSync(join(benchRoot, 'RESULTS.md'), render(readResult))
  const model = oneMillion(readResult)
  if (model !== undefined) writeFileSync(join(projectRoot, 'docs/one-million.md'), model)
}

/** Runs `main`; what it throws becomes one line and exit code 1. Ends the process even if a peer left something open. */
export async function finish (main) {
  try {
    await main()
  } catch (error) {
    console.error(`bench: ${error.message}`)
    process.exitCode = 1
  }
  process.exit()
}

/** One line of progress on standard error: standard output has only the report. */
export function progress (text) {
  process.stderr.write(`${text}\n`)
}

function readResult (name) {
  try {
    return JSON.parse(readFileSync(join(RESULTS, `${name}.json`), 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}
