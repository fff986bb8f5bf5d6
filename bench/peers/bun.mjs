import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { benchRoot } from '../process/prepare.mjs'
import { versionOf } from './node-peers.mjs'

// npm installs the build that fits the machine; the package's install script, where npm may run it, moves it to `bun` itself.
function binary () {
  const modules = join(benchRoot, 'node_modules')
  const builds = existsSync(join(modules, '@oven')) ? readdirSync(join(modules, '@oven')).map((build) => join(modules, '@oven', build, 'bin/bun')) : []
  return [...builds, join(modules, 'bun/bin/bun.exe')].find((file) => spawnSync(file, ['--version']).status === 0)
}

export const bun = {
  id: 'bun',
  name: 'Bun `publish`',
  get version () { return `bun ${versionOf('bun')}` },
  transport: 'websocket',
  protocol: 'plain',
  missing () {
    return binary() === undefined ? 'the npm package has no program that runs here' : undefined
  },
  launch: () => ({ command: binary(), args: [join(benchRoot, 'servers/bun-publish.mjs')], env: { NODE_ENV: 'production' } })
}
