// `npm run interop`: clients in other languages, with what their standard libraries have. Each gets messages as they are published, one by
// one, and sees that a stream breaks off when the service goes away, so that it can come back. What is not on the machine is skipped.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually, exists, publish, report, start, startService } from './service.mjs'

const MESSAGES = ['one', 'two', 'three']
const file = (name) => fileURLToPath(new URL(`clients/${name}`, import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'interop-'))

const pythonHas = async (name) => await exists('python3', ['-c', `import ${name}`])

/** Compiles and runs a client; returns the command, or why there is none. */
const LANGUAGES = [
  ['Python, urllib', async () => await exists('python3') ? ['python3', [file('client.py')]] : 'no python3'],
  ['Python, requests', async () => await exists('python3') && await pythonHas('requests') ? ['python3', [file('requests_client.py')]] : 'no python3 with requests'],
  ['Go, net/http', async () => await exists('go', ['version']) ? await compiled('go', ['build', '-o', join(scratch, 'go-client'), file('client.go')], 'go-client') : 'no go'],
  ['Java, java.net.http', async () => await exists('java') ? ['java', [file('Client.java')]] : 'no java'],
  ['Rust, std::net', async () => await exists('rustc') ? await compiled('rustc', ['-o', join(scratch, 'rust-client'), file('client.rs')], 'rust-client') : 'no rustc']
]

async function compiled (command, args, program) {
  const compiler = start(command, args, { env: { GOFLAGS: '-mod=mod', GO111MODULE: 'off' } })
  if (await compiler.exited !== 0) throw new Error(compiler.output())
  return [join(scratch, program), []]
}

async function tryClient (prepare) {
  const prepared = await prepare()
  if (typeof prepared === 'string') return prepared
  const service = await startService()
  const [command, args] = prepared
  const client = start(command, [...args, `${service.origin}/interop`, String(MESSAGES.length)])
  try {
    await eventually(() => client.output().includes('ready'), `ready: ${client.output()}`)
    for (const message of MESSAGES) {
      await publish(service.origin, 'interop', message)
      // Before the next one is there to push it out.
      await eventually(() => client.output().includes(`got ${message}`), `${message}: ${client.output()}`, 10)
    }
    await eventually(() => client.output().includes('again'), `again: ${client.output()}`)
    await service.end()
    await eventually(() => /\n(cut|ended)/.test(client.output()), `the end: ${client.output()}`)
    if (!client.output().includes('\ncut')) throw new Error(`a stream that breaks off looks like one that ends: ${client.output()}`)
  } finally {
    await Promise.all([service.end('SIGKILL'), client.end('SIGKILL')])
  }
}

await report(LANGUAGES.map(([name, prepare]) => [name, async () => await tryClient(prepare)]))
rmSync(scratch, { recursive: true })
