// Exported, so that the build puts the numbers where they are used.

/** Close codes. */
export const ABNORMAL = 1006
export const POLICY = 1008
export const TRY_AGAIN = 1013
export const UNAUTHORIZED = 4401
export const FORBIDDEN = 4403

/** Indices of the transports. */
export const WEBSOCKET = 0
export const STREAM = 1
export const POLL = 2

/** The batch of subscriptions that may share a connection. */
export const OPEN = 0
/** The batch of a subscription with a connection of its own: `NaN` equals no batch. */
export const ALONE = NaN

/** Nothing is known of the token with which a subscription is asked for. */
export const NEW = 0
/** The token does not cover the channel: another one is to be asked for. */
export const DENIED = 1
/** The token was asked for with this channel: there is no other one. */
export const COVERED = 2

/** Milliseconds for which a new connection may stay silent. */
export const OPEN_TIMEOUT = 10_000
/** Milliseconds that the token function may take. */
export const TOKEN_TIMEOUT = 30_000

/** The interval that stands for the heartbeat while the client polls. */
export const POLL_HEARTBEAT = 25_000

/**
 * The time between two polls, so that something between that answers by itself is not asked without a pause; and how long a brief
 * stream lasts.
 */
export const PAUSE = 200

/** The time between two brief requests. */
export const BRIEF = 1000

/** How many connections hold a request open, of the six that a browser has for a host. */
export const MAX_HELD = 3

/** How long a connection over HTTP lasts before a WebSocket is tried again; twice as long after each time. */
export const PROBE = 30_000

/** The first limit of the backoff, and the last. */
export const BASE = 1000
export const CAP = 30_000

/** The longest timer; those of more than 2^31 - 1 milliseconds fire at once. */
export const MAX_TIMER = 1e9

/** How long changes are collected before a request over HTTP is made anew, or a token is asked for, for all of them. */
export const COLLECT = 50

/** The longest URL, without the parameters that the transports add. */
export const MAX_URL = 1_980

/** The reason of the end of a connection that says nothing. */
export const SILENCE = 'silence'

/** Message of a tab: the channels that it wants, and its positions. */
export const WANT = 0
/** Message of the leader: that it leads, and what it wants itself. */
export const CALL = 1
/** Message of the leader: a frame. */
export const TAKE = 2
/** Message of the leader: the state of its connection. */
export const TELL = 3
/** Message of a tab: that it has received a message for which a receipt is asked. */
export const ACK = 4

/** The interval that stands for the heartbeat until a leader has announced one. */
export const QUIET = 6_000

/** Milliseconds in which tabs answer a leader, before it unsubscribes from the channels that none of them wants. */
export const ANSWER_TIMEOUT = 2_000

/** The number of messages of a full answer to a poll. */
export const PAGE = 100
