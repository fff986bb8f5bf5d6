/** The state of a subscription: `closed` is for good, after a final close. */
export type State = 'connecting' | 'open' | 'waiting' | 'closed'

/** Which way messages come. `auto` takes a WebSocket and, where none gets through, an HTTP stream. */
export type TransportName = 'auto' | 'websocket' | 'http'

/** The data of a message besides its content. */
export interface Meta {
  /** `"<epoch>:<offset>"`, its place in the channel. Given as {@link Options.since}, reception goes on after it. */
  id: string
  channel: string
  /** When the service took the message, in milliseconds since 1970; older servers do not say. Ids are what orders messages. */
  time: number | undefined
}

/** The end of a connection, or of an attempt to make one. */
export interface Close {
  /**
   * A WebSocket close code. Over HTTP: the code that the service names, 4401 for status 401, 4403 for 403, 1008 for 400 and 404,
   * 1013 for other statuses, 1006 when the stream breaks. 4401 also when {@link Options.token} fails or does not answer, and
   * 1006 when nothing was heard for too long.
   */
  code: number
  /** The reason that the service gives, a code `MSG_ERR_…` for refusals; otherwise that of the client. May be empty. */
  reason: string
  /**
   * `true` for 1008 (channel or `since` invalid) and 4403 (not allowed on this channel), where the service itself says so: there
   * is no further attempt. What a proxy, a portal or a firewall answers is never final.
   */
  final: boolean
}

/** Messages were missed and can no longer be delivered. Called before the first message after the gap. */
export interface Gap {
  /**
   * `epoch`: the server lost the channel's history, for example because it restarted. `expired`: the history does not reach
   * back far enough. `missed`: an id is not the successor of the one before it, and the server has not said why. The epoch of ids
   * may change without a gap, as after a failover.
   */
  reason: string
}

/** Options of `connectToChannel`. No callback is called once `disconnect()` was; what a callback throws is logged with `console.error`. */
export interface Options {
  /**
   * Where the service is: `https://host`, `wss://host/prefix`, or a path on the page's host such as `/rt`. `http` and `ws` are
   * taken as the same thing, a query is dropped.
   * Default: the `data-server` attribute of the script tag (for modules, of the first script tag that has one), else the root
   * of the page's own host; of the parent's for frames without an address, of the creator's for `blob:` workers. Needed where
   * there is no such host: in Node, and in pages from files.
   */
  server?: string | undefined
  /**
   * The subscriber's token, or a function that gives it, possibly later. The function is called with the channels of the
   * connection, and again for each attempt to connect, before the token expires, and once where the token does not cover a
   * channel that came later. When it throws or rejects for several channels, each of them is asked for alone; when it does so for
   * one, `onError` is called. Then, and when it does not answer within 30 s, the attempt counts as failed (4401). The page names
   * the channels: the backend has to check them. The token travels as a WebSocket subprotocol (`token.<token>`, percent-encoded) or an `Authorization: Bearer`
   * header, which takes ASCII only; never in the URL. Default: none.
   */
  token?: string | ((channels: string[]) => string | undefined | Promise<string | undefined>) | undefined
  /**
   * Where to begin: the id of a message (begin after it), `earliest` (all that is kept) or `now` (new messages only).
   * From then on the client keeps the position by itself. Default: `now`.
   */
  since?: string | undefined
  /**
   * `auto` begins with a WebSocket; an attempt that ends before the service says anything is repeated at once as a streamed
   * `fetch`, and as long polls where something between keeps the stream to itself. What worked is tried first from then on. A
   * WebSocket is tried again after half a minute, then after twice as long each time, and when the browser is `online` again.
   * `websocket` and `http` use only the one, or the other two. Default: `auto`.
   */
  transport?: TransportName | undefined
  /**
   * Whether requests over HTTP carry cookies. Default: they do, as a WebSocket's do, unless the answer is one to every origin
   * (`Access-Control-Allow-Origin: *`), which a browser does not show to requests with cookies.
   */
  credentials?: 'omit' | 'same-origin' | 'include' | undefined
  /**
   * `false`: a connection for this call alone. A string, with `fastify-messenger/client/shared`: one connection for all tabs of the
   * origin that pass the same key, `server`, `transport` and `credentials`. It stands in the place of `token`, so that tabs with
   * the same key have to be those of one user: what one of them may receive reaches the others. Default: calls with the same `server`, `token` (the same string or function),
   * `transport` and `credentials` share one, unless they have the same channel.
   */
  share?: boolean | string | undefined
  /** The server accepted the subscription; called for each connection. */
  onOpen?: (() => void) | undefined
  /**
   * A connection ended, or an attempt failed. Unless `final`, the client tries again: after a random time of up to 1 s, and
   * up to twice as long after each failure in a row, 30 s at most; or within the window that the server names (`retry=<ms>` in
   * the reason); at once after a 4401 on a connection that had worked for more than a second: its token has run out. It does not
   * wait longer than until the browser is `online` again or the page is shown again. A `Retry-After` comes before all of that.
   * Without this callback and `onError`, refusals, failing tokens and a server that cannot be reached at first are each written
   * to the console once.
   */
  onClose?: ((close: Close) => void) | undefined
  /** The token function failed, a WebSocket could not be created, or a frame is not a message. The client continues. */
  onError?: ((error: unknown) => void) | undefined
  /** Messages were missed. Without `since`, the first connection cannot miss any. Default: `console.warn`. */
  onGap?: ((gap: Gap) => void) | undefined
  /** The state changed. `disconnect()` does not call it. */
  onState?: ((state: State) => void) | undefined
}
