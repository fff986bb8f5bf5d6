import { readFile } from 'node:fs/promises'
import t from 'tap'
import { oneMillion } from '../bench/report/one-million.mjs'

const NAMES = ['peers', 'scale', 'compare', 'reconnect']

t.test('docs/one-million.md', async (t) => {
  t.test('is computed from the results as they are', async (t) => {
    const results = new Map<string, unknown>()
    for (const name of NAMES) results.set(name, JSON.parse(await readFile(`bench/results/${name}.json`, 'utf8')))
    t.equal(await readFile('docs/one-million.md', 'utf8'), oneMillion((name) => results.get(name)), 'node bench/one-million.mjs writes it anew')
  })
})
