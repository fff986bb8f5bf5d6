import { execFile, spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import t from 'tap'
import { root } from '../scripts/root.mjs'
import { userEnv } from './user-env.js'

const COPIED = ['package.json', 'tsconfig.json', 'scripts', 'src', 'plugins', 'routes', 'console', 'public']
const SERVED = ['client.js', 'client.mjs', 'client.shared.js', 'client.shared.mjs', 'page.js', 'page.css']

t.test('a build without types starts, and serves the same files as one with types', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'messenger-build-'))
  t.teardown(async () => { await rm(directory, { recursive: true, force: true }) })
  const built = SERVED.map((name) => join(root, 'public', name))
  const filter = (source: string): boolean => !built.includes(source)
  for (const name of COPIED) await cp(join(root, name), join(directory, name), { recursive: true, filter })
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'))
  await promisify(execFile)(process.execPath, ['scripts/build.mjs', '--no-types'], { cwd: directory, env: userEnv })
  for (const name of SERVED) t.ok((await readFile(join(directory, 'public', name))).equals(await readFile(join(root, 'public', name))), name)

  const service = spawn(process.execPath, ['dist/src/server.js'], { cwd: directory, env: { ...userEnv, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => { service.kill('SIGKILL') })
  for await (const line of createInterface(service.stdout)) {
    const [address] = /http:\/\/127[\d.:]+/.exec(line) ?? []
    if (address === undefined) continue
    const answer = await fetch(`${address}/send/room`, { method: 'POST', headers: { authorization: 'Bearer default-secret', 'content-type': 'application/json' }, body: '{"message":1}' })
    t.equal(answer.status, 200)
    break
  }
})
