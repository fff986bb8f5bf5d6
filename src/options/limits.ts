import { Type } from '@sinclair/typebox'
import { MAX_BYTES, MINUTE_MS } from './units.js'

const MAX_COUNT = 100_000_000

const count = (env: string, byDefault: number) => Type.Integer({ minimum: 1, maximum: MAX_COUNT, default: byDefault, env })

/** Options that bound the resources of clients. The defaults suit a machine with 512 MiB. */
export const limitOptions = {
  /** Largest message, in bytes of JSON. Default 64 KiB. */
  maxMessageBytes: Type.Integer({ minimum: 1, maximum: 128 * 1024 ** 2, default: 64 * 1024, env: 'MAX_MESSAGE_BYTES' }),
  /** Unsent bytes above which a subscriber is too slow and closed with 1013. Default 1 MiB. */
  maxBufferedBytes: Type.Integer({ minimum: 1, maximum: MAX_BYTES, default: 1024 ** 2, env: 'MAX_BUFFERED_BYTES' }),
  /**
   * Bytes that a subscriber may send between two pings on a WebSocket before it is closed with 1008; a frame has at least 6.
   * Default 64 KiB.
   */
  maxReceivedBytes: Type.Integer({ minimum: 1_024, maximum: MAX_BYTES, default: 64 * 1024, env: 'MAX_RECEIVED_BYTES' }),
  /**
   * Bytes that are held for clients in total: incomplete bodies, and answers and streams that are not read. Beyond it the address
   * that holds most loses the largest of them. At least two of the largest bodies. Default 64 MiB.
   */
  maxBytesInFlight: Type.Integer({ minimum: 1024 ** 2, maximum: MAX_BYTES, default: 64 * 1024 ** 2, env: 'MAX_BYTES_IN_FLIGHT' }),
  /** Milliseconds without progress after which a connection with unsent bytes is ended. Default 30,000. */
  writeTimeoutMs: Type.Integer({ minimum: 1_000, maximum: 60 * MINUTE_MS, default: 30_000, env: 'WRITE_TIMEOUT', unit: 's' }),
  /** Connections of subscribers on this instance, and requests that wait for their turn or for `authorize`. Default 20,000. */
  maxConnections: count('MAX_CONNECTIONS', 20_000),
  /** The same from one address (of IPv6 the /64 network). Default 1,000. */
  maxConnectionsPerAddress: count('MAX_CONNECTIONS_PER_ADDRESS', 1_000),
  /** Channels of one connection, at most 32 on an event stream. Default 100. */
  maxChannelsPerConnection: Type.Integer({ minimum: 1, maximum: 1_000, default: 100, env: 'MAX_CHANNELS_PER_CONNECTION' }),
  /** Channels of the connections of this instance that carry several, or may with `frames`; the others have one each. Default 200,000. */
  maxSubscriptions: count('MAX_SUBSCRIPTIONS', 200_000),
  /** The same of the connections from one address (of IPv6 the /64 network). Default 5,000. */
  maxSubscriptionsPerAddress: count('MAX_SUBSCRIPTIONS_PER_ADDRESS', 5_000),
  /** Channels with subscribers on this instance. Default 20,000. */
  maxChannels: count('MAX_CHANNELS', 20_000),
  /** Attempts to subscribe, and reads, from one address in a second. Default 500. */
  maxSubscribesPerSecond: count('MAX_SUBSCRIBES_PER_SECOND', 500),
  /** Messages that one publisher (a token, or the subject of one) may send in a second; those of a batch count each. Default 10,000. */
  maxPublishesPerSecond: count('MAX_PUBLISHES_PER_SECOND', 10_000),
  /**
   * Refused tokens from one address in a minute, pages counted apart from programs; then, for a while, every further one from there is
   * answered with 429, and none is compared with `token`. Default 60.
   */
  maxRefusedTokensPerMinute: count('MAX_REFUSED_TOKENS_PER_MINUTE', 60),
  /** Longest URL, in bytes. Default 8 KiB. */
  maxUrlBytes: Type.Integer({ minimum: 256, maximum: 1024 ** 2, default: 8 * 1024, env: 'MAX_URL_BYTES' }),
  /** Milliseconds from a request to upgrade to the WebSocket; connections that take longer are ended. Default 10,000. */
  upgradeTimeoutMs: Type.Integer({ minimum: 100, maximum: 10 * MINUTE_MS, default: 10_000, env: 'UPGRADE_TIMEOUT', unit: 's' })
}
