import type { KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** Serves a key set on this machine; what it serves is the test's to change. */
export interface JwksServer {
  readonly url: string
  /** The keys, or what is answered instead. */
  keys: object[]
  body: string | undefined
  status: number
  /** Requests so far. */
  requests: number
}

/** Starts one; the end of the test ends it. */
export async function startJwks (t: Test, ...keys: object[]): Promise<JwksServer> {
  const server = createServer((_request, response) => {
    jwks.requests++
    response.writeHead(jwks.status, { 'content-type': 'application/json', connection: 'close' }).end(jwks.body ?? JSON.stringify({ keys: jwks.keys }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  const jwks: JwksServer = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys.json`, keys, body: undefined, status: 200, requests: 0 }
  return jwks
}

/** A public key as it stands in a key set. */
export function webKey (key: KeyObject, more: object = {}): object {
  return { ...key.export({ format: 'jwk' }), use: 'sig', ...more }
}
