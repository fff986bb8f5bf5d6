// `npm run example <name>`: runs an example; without a name it lists them. PORT and HOST say where (3000 on this machine).
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const EXAMPLES = {
  chat: 'rooms, their members, and pages that publish by themselves',
  notifications: 'a channel per user, tabs that share a connection, a fallback where there is no receipt',
  dashboard: 'prices and gauges: 28 channels on one connection',
  document: 'edits of several people; after a gap the page fetches the document anew',
  iot: 'devices that publish over HTTP with keys of their own, and a board of sensors',
  game: 'moves in order; a player who comes back sees the whole match',
  nest: 'a Nest application on Fastify (installs its packages)',
  processes: 'an application of several processes under pm2 with Redis (installs pm2)',
  'beside-websocket': '@fastify/websocket and another WebSocket server beside the messenger'
}

const [name] = process.argv.slice(2)
if (!Object.hasOwn(EXAMPLES, name ?? '')) {
  if (name !== undefined) console.error(`There is no example "${name}".\n`)
  console.log('npm run example <name>\n')
  for (const [known, what] of Object.entries(EXAMPLES)) console.log(`  ${known.padEnd(17)} ${what}`)
  process.exit(name === undefined ? 0 : 1)
}

const directory = join(import.meta.dirname, name)
if (existsSync(join(directory, 'run.mjs'))) await import(pathToFileURL(join(directory, 'run.mjs')))
else await import(pathToFileURL(join(directory, 'server.js')))
