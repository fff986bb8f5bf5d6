// Compiles the page at / to public/: one script, which holds the browser client, and one style sheet.
import { join } from 'node:path'
import { build } from 'esbuild'
import { clientFiles } from './integrity.mjs'
import { root } from './root.mjs'

/**
 * Replaces the transports in the client of the page by those of the page, which observe the client's own: the text of each message as
 * it is written, and the connection that carries each channel.
 */
const observedTransports = {
  name: 'observed-transports',
  setup ({ onResolve, onEnd }) {
    const observed = new Set()
    onResolve({ filter: /^\.\/(websocket|http)\.js$/ }, ({ importer, path }) => {
      if (importer !== join(root, 'src/client/connection.ts')) return undefined
      observed.add(path)
      return { path: join(root, 'console/live/transports.ts') }
    })
    onEnd(() => {
      if (observed.size < 2) throw new Error('the client does not import its transports where the page can take their place')
    })
  }
}

/** Writes page.js and page.css to public/, where the client already is. */
export async function writeConsole () {
  const [{ name, integrity }] = clientFiles()
  await build({
    entryPoints: { page: join(root, 'console/main.ts') },
    outdir: join(root, 'public'),
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    tsconfigRaw: '{}',
    legalComments: 'none',
    logLevel: 'warning',
    define: { CLIENT_NAME: JSON.stringify(name), CLIENT_INTEGRITY: JSON.stringify(integrity) },
    plugins: [observedTransports]
  })
  await build({
    entryPoints: { page: join(root, 'console/styles/page.css') },
    outdir: join(root, 'public'),
    bundle: true,
    minify: true,
    logLevel: 'warning'
  })
}
