import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, readdir, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { root } from '../../scripts/root.mjs'
import { userEnv as env } from '../user-env.js'

interface Manifest {
  name: string
  bin: Record<string, string>
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

export const run = promisify(execFile)
const readManifest = async (directory: string): Promise<Manifest> => JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as Manifest

/** Packs the package into a directory, which the end of the test removes; resolves with the file. */
export async function packPackage (t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'fastify-messenger-'))
  t.teardown(async () => { await rm(directory, { recursive: true, force: true }) })
  await run(process.execPath, ['scripts/prepare.mjs', 'package'], { cwd: root, env })
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', directory], { cwd: root, env })
  return join(directory, (await readdir(directory)).find((name) => name.endsWith('.tgz')) ?? '')
}

/** Gives a package the dependencies that it declares, and none besides. */
async function linkDependencies (directory: string): Promise<void> {
  const { dependencies, peerDependencies } = await readManifest(directory)
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    const link = join(directory, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(root, 'node_modules', name), link)
  }
}

/** Installs the package in a project of its own, beside the tarball, where nothing else is found by accident. */
export async function installConsumer (tarball: string): Promise<string> {
  const directory = dirname(tarball)
  await run('tar', ['-xzf', tarball], { cwd: directory })
  const unpacked = join(directory, 'package')
  const { name, bin } = await readManifest(unpacked)

  const consumer = join(directory, 'consumer')
  await cp(join(root, 'test/package/consumer'), consumer, { recursive: true })
  await linkDependencies(consumer)
  const installed = join(consumer, 'node_modules', name)
  await cp(unpacked, installed, { recursive: true })
  await linkDependencies(installed)
  await mkdir(join(consumer, 'node_modules/.bin'))
  for (const [command, file] of Object.entries(bin)) {
    await chmod(join(installed, file), 0o755)
    await symlink(join('..', name, file), join(consumer, 'node_modules/.bin', command))
  }
  return consumer
}

/** Runs a TypeScript compiler in a directory; resolves with what it complains about. */
export async function compile (cwd: string, args: string, compiler = 'typescript'): Promise<string> {
  const tsc = join(dirname(createRequire(import.meta.url).resolve(`${compiler}/package.json`)), 'bin/tsc')
  const { stdout } = await run(process.execPath, [tsc, ...args.split(' ')], { cwd, env }).catch((error: unknown) => error as { stdout: string })
  return stdout
}
