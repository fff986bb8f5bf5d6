// `npm run firefox`: the client in the Firefox of this machine, in every place and way that test/browser/environments.mjs has.
// `FIREFOX` names another command. Ends with 0 when each received its message, and with 2 where there is no Firefox.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { start } from '../../dist/src/server.js'
import { startEnvironments } from './environments.mjs'

const TIMEOUT_MS = 90_000
const TOKEN = 'firefox'

const command = process.env.FIREFOX ?? 'firefox-esr'
const version = spawnSync(command, ['--version'], { encoding: 'utf8' }).stdout?.trim()
if (!version) {
  console.log(`skipped: there is no ${command}`)
  process.exit(2)
}

const app = await start({ PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'silent', BEARER_TOKEN: TOKEN, DRAIN_SECONDS: '0' })
await app.channels.publish('room', 'marker')
const environments = await startEnvironments(`http://127.0.0.1:${app.server.address().port}`, TIMEOUT_MS)
const profile = await mkdtemp(join(tmpdir(), 'firefox-'))
const browser = spawn(command, ['--headless', '--no-remote', '--profile', profile, environments.url], { stdio: 'ignore' })
const failed = await environments.received

browser.kill()
if (browser.exitCode === null && browser.signalCode === null) await once(browser, 'exit')
environments.close()
await app.close()
await rm(profile, { recursive: true, force: true, maxRetries: 5 })

console.log(version)
for (const name of environments.names) console.log(name in failed ? `failed  ${name}: ${failed[name]}` : `ok      ${name}`)
process.exitCode = Object.keys(failed).length > 0 ? 1 : 0
