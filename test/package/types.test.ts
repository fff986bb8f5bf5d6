import { readFile } from 'node:fs/promises'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import t from 'tap'
import { root } from '../../scripts/root.mjs'
import { compile, installConsumer, packPackage } from './consumer.js'

/** The aliases of package.json under which the compilers are installed: 5.9, 6 and 7. */
const COMPILERS = ['typescript-5', 'typescript', 'typescript-7']
/** Ways to resolve modules, each with a program of its kind. */
const RESOLUTIONS = {
  'ES modules, nodenext': ['index.ts', 'nodenext'],
  'ES modules, node16': ['index.ts', 'node16'],
  'CommonJS, nodenext': ['common.cts', 'nodenext'],
  'a bundler': ['index.ts', 'esnext --moduleResolution bundler']
}

/** The strictest one, which each compiler has to pass in the short form; `npm run types` is all combinations. */
const SHORT = 'ES modules, nodenext'
const FASTEST = 'typescript-7'
const isWhole = process.env['TYPES'] === 'all'

t.setTimeout(300_000)

t.test('types of the package', async (t) => {
  t.setTimeout(300_000)
  const tarball = await packPackage(t)

  t.test('compile without skipLibCheck, whatever compiler and resolution the user has', async (t) => {
    const consumer = await installConsumer(tarball)
    for (const compiler of COMPILERS) {
      for (const [resolution, [file, module]] of Object.entries(RESOLUTIONS)) {
        if (!isWhole && compiler !== FASTEST && resolution !== SHORT) continue
        const ignoreConfig = compiler === 'typescript-5' ? '' : '--ignoreConfig '
        const args = `--module ${module ?? ''} --target es2022 --lib es2022 --types node --strict --noEmit ${ignoreConfig}${file ?? ''}`
        t.equal(await compile(consumer, args, compiler), '', `${compiler}, ${resolution}`)
      }
    }
  })

  t.test('and entries have nothing that publint or attw finds', async (t) => {
    const { messages, pkg } = await publint({ pkgDir: root, strict: true })
    t.strictSame(messages.map((message) => formatMessage(message, pkg)), [])
    const checked = await checkPackage(createPackageFromTarballData(new Uint8Array(await readFile(tarball))))
    // Node.js has not resolved packages that way since version 12.
    const problems = checked.types === false ? ['no types'] : checked.problems.filter((problem) => !('resolutionKind' in problem && problem.resolutionKind === 'node10'))
    t.strictSame(problems, [])
  })
})
