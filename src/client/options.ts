/** What the client is doing: `closed` is for good, after a final close. */
export type State = 'connecting' | 'open' | 'waiting' | 'closed'

/** Which way messages come. `auto` takes a WebSocket and, where none gets through, an HTTP stream. */
export type TransportName = 'auto' | 'websocket' | 'http'

/** What is known about a message besides its content. */
export interface Meta {
  /** `"<epoch>:<offset>"`, its place in the channel. Given as {@link Options.since}, reception goes on after it. */
  id: string
  channel: string
}

/** The end of a connection, or of an attempt to make one. */
export interface Close {
  /**
   * A WebSocket close code. On an HTTP stream: the code that the server names, 4401 for status 401, 4403 for 403, 1008 for
   * 400, 1013 for other statuses, 1006 when the stream breaks. 4401 also when {@link Options.token} fails, and 1006
   * when nothing was heard for too long.
   */
  code: number
  /** What the server says about it; may be empty. */
  reason: string
  /** `true` for 1008 (channel or `since` invalid) and 4403 (not allowed on this channel): there is no further attempt. */
  final: boolean
}

/** Some messages were missed and cannot be had any more. Called before the first message after the gap. */
export interface Gap {
  /**
   * `epoch`: the server lost the channel's history, for example because it restarted. `expired`: the history does not reach
   * back far enough. `missed`: an id is not the successor of the one before it.
   */
  reason: string
}

/** Options of `connectToChannel`. No callback is called once `disconnect()` was; what a callback throws is logged with `console.error`. */
export interface Options {
  /**
   * Where the service is: `https://host`, `wss://host/prefix`, or a path on the page's host such as `/rt`. `http` and `ws` are
   * taken as the same thing, a query is dropped.
   * Default: the `data-server` attribute of the script tag, else the root of the page's own host.
   */
  server?: string | undefined
  /**
   * The subscriber's token, or a function that gives it, possibly later. The function is asked again for each attempt to
   * connect; when it throws or rejects, `onError` is called and the attempt counts as failed. The token travels as a WebSocket
   * subprotocol (`token.<token>`) or an `Authorization: Bearer` header, never in the URL. Default: none.
   */
  token?: string | (() => string | undefined | Promise<string | undefined>) | undefined
  /**
   * Where to begin: the id of a message (begin after it), `earliest` (all that is kept) or `now` (new messages only).
   * From then on the client keeps the position by itself. Default: `now`.
   */
  since?: string | undefined
  /**
   * `auto` begins with a WebSocket; an attempt that fails before the server says anything is repeated at once with the other
   * transport, and what worked is tried first from then on. `websocket` and `http` (a streamed `fetch`) use only that one.
   * Default: `auto`.
   */
  transport?: TransportName | undefined
  /** The server accepted the subscription; called for each connection. */
  onOpen?: (() => void) | undefined
  /**
   * A connection ended, or an attempt failed. Unless `final`, the client tries again: after a random time of up to 1 s, and
   * up to twice as long after each failure in a row, 30 s at most; or within the window that the server names (`retry=<ms>` in
   * the reason, `Retry-After`); at once after a 4401 on a connection that had worked for more than a second: its token has run
   * out. It does not wait longer than until the browser is `online` again or the page is shown again.
   */
  onClose?: ((close: Close) => void) | undefined
  /** The token function failed, or the server sent something that is not a message. The client carries on. */
  onError?: ((error: unknown) => void) | undefined
  /** Messages were missed. Without `since`, the first connection cannot miss any. */
  onGap?: ((gap: Gap) => void) | undefined
  /** The state changed. `disconnect()` does not call it. */
  onState?: ((state: State) => void) | undefined
}
