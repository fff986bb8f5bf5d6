import { Type } from '@sinclair/typebox'
import { MINUTE_MS } from './units.js'

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

/** Settings of the service alone: a host has its own ways to set them. */
export const serviceOptions = {
  /**
   * Port to listen on; 0 selects a free one. A value with a slash is the path of a unix socket, whose clients count as `loopback` in
   * `TRUST_PROXY`.
   */
  port: Type.Integer({ minimum: 0, maximum: 65_535, default: 3_000, env: 'PORT' }),
  /** Address to listen on. Default: `0.0.0.0`; without `BEARER_TOKEN` `127.0.0.1`. */
  host: Type.String({ env: 'HOST', rule: 'an address or a host name' }),
  /** Level of the log. Default: `info`. */
  logLevel: Type.String({ env: 'LOG_LEVEL', rule: `one of ${LOG_LEVELS.join(', ')}` }),
  /** Proxies whose `X-Forwarded-For` names the client. Default: `false`. */
  trustProxy: Type.Union([Type.Boolean(), Type.Array(Type.String())], {
    env: 'TRUST_PROXY', list: true,
    rule: 'true, false or a list of addresses, networks (10.0.0.0/8), loopback, linklocal and uniquelocal'
  }),
  /** Longest header section of a request, in bytes. */
  maxHeaderBytes: Type.Integer({ minimum: 1_024, maximum: 1024 ** 2, default: 16_384, env: 'MAX_HEADER_BYTES' }),
  /**
   * TCP connections from one address, those without a subscription included. Connections of a proxy in `TRUST_PROXY` are not counted.
   * Default: twice `MAX_CONNECTIONS_PER_ADDRESS`.
   */
  maxSocketsPerAddress: Type.Integer({ minimum: 1, maximum: 100_000_000, env: 'MAX_SOCKETS_PER_ADDRESS' }),
  /** Time in which a whole request has to arrive, its headers within 15 s. */
  requestTimeoutMs: Type.Integer({
    minimum: 1_000, maximum: 60 * MINUTE_MS, default: 30_000, env: 'REQUEST_TIMEOUT', unit: 's', rule: 'an integer from 1 to 3600'
  })
}
