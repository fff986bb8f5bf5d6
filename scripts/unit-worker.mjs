// Runs test files one after the other in one process, so that what they import is loaded once; the parent names them. To a file it
// looks as if it ran alone: `import t from 'tap'` gives it a test of its own (see typescript.mjs).
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import tap from 'tap'
import { root } from './root.mjs'

let take
process.on('message', ({ file }) => { take(file) })

async function next () {
  const answer = new Promise((resolve) => { take = resolve })
  // tap lets the process end although its parent might have something to say.
  process.channel.ref()
  process.send('next')
  return await answer
}

// All in one test: the outermost would end while the next file is waited for.
tap.setTimeout(0)
await tap.test('files', { timeout: 0 }, async (files) => {
  for (let file = await next(); file !== undefined; file = await next()) {
    await files.test(file, async (t) => {
      globalThis.testOfFile = t
      await import(pathToFileURL(join(root, file)).href)
    })
  }
})
process.disconnect()
