// Installs pm2, starts Redis unless REDIS_URL names one, and runs the processes until Ctrl+C.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { install } from '../install.mjs'

install(import.meta.dirname)
const scratch = mkdtempSync(join(tmpdir(), 'example-'))
const socket = join(scratch, 'redis')
const env = { ...process.env, PM2_HOME: join(scratch, 'pm2') }
let redis
if (env.REDIS_URL === undefined) {
  redis = spawn('redis-server', ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', scratch], { stdio: 'ignore', detached: true })
  redis.on('error', () => {
    console.error('There is no redis-server on this machine: install one, or name another by REDIS_URL')
    process.exit(1)
  })
  env.REDIS_URL = `unix://${socket}`
}
const runtime = join(import.meta.dirname, 'node_modules/pm2/bin/pm2-runtime')
// Detached, so that Ctrl+C reaches this process alone, which passes it on once.
const pm2 = spawn(process.execPath, [runtime, 'start', join(import.meta.dirname, 'ecosystem.config.cjs')], { env, stdio: ['ignore', 'inherit', 'inherit'], detached: true })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { pm2.kill('SIGINT') })
pm2.on('exit', (code) => {
  redis?.kill()
  rmSync(scratch, { recursive: true, force: true })
  process.exit(code ?? 0)
})
