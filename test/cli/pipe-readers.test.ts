import { closeSync, openSync } from 'node:fs'
import t from 'tap'
import { PipeReaders } from '../../src/cli/pipe-readers.js'
import { createDirectory } from '../temporary.js'

t.test('the readers of a descriptor', async (t) => {
  t.test('are none where it is no pipe, or is not open', async (t) => {
    const file = openSync(`${createDirectory(t)}/file`, 'w')
    for (const descriptor of [file, 9_999]) {
      const readers = new PipeReaders(descriptor)
      t.notOk(readers.known)
      t.notOk(readers.open)
    }
    closeSync(file)
  })
})
