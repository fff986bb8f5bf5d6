import type { Position } from '../wire/id.js'

/** One message of a channel's log. */
export interface LogEntry extends Position {
  /** The message as JSON text on one line. */
  readonly message: string
}

/** Where a reader of a log begins: after a position, with all that is kept, or with what comes next. */
export type Since = Position | 'earliest' | 'now'

/** Why a position is not available: the log is another one, or the messages after it are not kept any more. */
export type GapReason = 'epoch' | 'expired'

/** A stretch of a channel's log. */
export interface Replay {
  /** The log that was read. It may be another one than that of the position: the log then goes on under this name. */
  readonly epoch: string
  /** The offset before the first of `entries`: where the reader stands before it takes them. */
  readonly after: number
  /** The offset of the last message of the log, kept or not; 0 while it is empty. */
  readonly head: number
  /** Set when the position asked for was not available; `entries` are then all that is kept. */
  readonly reason?: GapReason
  /** In order and without holes, from `after + 1` on; ends before `head` only where `limit` cut it. */
  readonly entries: readonly LogEntry[]
}

/** What a publisher is told once its message is in the log. */
export interface Published extends Position {
  /** Subscribers of the channel at that moment, wherever they are connected. */
  readonly subscribers: number
  /** Set when the idempotency key was known and nothing was published again. */
  readonly duplicate?: true
}

/** Conditions of a single `publish`. */
export interface PublishOptions {
  /** 1–255 printable ASCII characters: the same key for the same channel is published once within 5 minutes. */
  readonly idempotencyKey?: string | undefined
}

/** The side of an instance that a broker speaks to. */
export interface Receiver {
  /** Takes a message of a channel that the instance listens to. A broker calls it in the order of the offsets. */
  deliver (channel: string, entry: LogEntry): void
  /**
   * What is handed to `deliver` from now on follows this position. Called before `listen` resolves, and again when the log goes on under
   * another epoch or messages were not handed over: each subscriber then has to read on from its own position.
   */
  moved (channel: string, position: Position): void
  /** Subscribers of the channel on this instance. */
  count (channel: string): number
  /** Names of the channels that have subscribers on this instance. */
  occupied (): Iterable<string>
  /** Called with each announcement to all instances, the own ones included; with the same one perhaps several times. */
  announced (text: string): void
  /** Called when the status of the engine, or the reason of it, has changed. */
  statusChanged? (status: BrokerStatus): void
  /** Takes a line for the log. */
  log? (level: 'warn' | 'error', text: string): void
}

/** Whether messages can be published and read. */
export interface BrokerStatus {
  readonly ready: boolean
  /** Why not, in the words of the engine, for the log; empty where it is ready. */
  readonly reason: string
  /** The same for everybody: the engine and a code, without names and addresses. */
  readonly code: string
  /** Whether something fails; otherwise it is on its way to be ready. */
  readonly failing: boolean
}

/** The status of an engine that cannot fail, and of one that was closed. */
export const READY_STATUS: BrokerStatus = { ready: true, reason: '', code: '', failing: false }
export const CLOSED_STATUS: BrokerStatus = { ready: false, reason: 'closed', code: 'closed', failing: false }

/**
 * Where logs live and how a published message reaches every instance. Implementations
 * - MUST give each message of a channel the next offset of its log, and append and number it in one atomic step;
 * - MUST resolve `publish` only when the message can be read, and MUST have handed it to `deliver` of every listening
 *   instance, the publisher's own included, or hand it over later, in order;
 * - MUST NOT use an epoch and offset for two messages of one channel;
 * - MUST read on without a reason from a position of an earlier epoch only where no acknowledged message is lost to its reader;
 * - MUST NOT lose the log of a channel that an instance listens to: its messages may be trimmed, its epoch and offset not;
 * - MUST hand an announcement for which `announce` resolved to every instance, those that start later included, until its time is
 *   over, and MUST be `ready` on an instance only when it has the announcements that are kept;
 * - MUST reject, not throw, and MUST NOT deliver what they reject;
 * - MUST reject with MSG_ERR_ENGINE_UNAVAILABLE, and soon, while the engine is away: the instance keeps the subscribers that it could
 *   not serve and tries again once `ready`. What `listen` began it MUST then deliver, also where that was rejected.
 */
export interface Broker {
  readonly status: BrokerStatus
  /** Whether messages can be published and read. */
  readonly ready: boolean
  /** Resolves when it is ready for the first time. */
  readonly started: Promise<void>
  /** Appends a message and sends it on its way. */
  publish (channel: string, message: string, options?: PublishOptions): Promise<Published>
  /**
   * Reads the log of a channel, at most `limit` messages. A channel without a log has an empty one. Where the instance listens, `moved`
   * was called with the epoch of the answer, or is called with a later one.
   */
  read (channel: string, since: Since, limit?: number): Promise<Replay>
  /**
   * Begins to deliver a channel's messages; what is appended after it resolved is delivered. When it rejects it may be called
   * again, and `unlisten` still ends it.
   */
  listen (channel: string): Promise<void>
  /** Ends what `listen` began. */
  unlisten (channel: string): void
  /** Subscribers of a channel on all instances. */
  count (channel: string): number
  /** Learns that a subscriber of the channel came to this instance or left it. */
  membershipChanged (channel: string): void
  /** Keeps an announcement until a time (milliseconds since 1970) and hands it to every instance. */
  announce (text: string, until: number): Promise<void>
  /** Lets go of every resource. Later calls of `publish` reject. */
  close (): Promise<void>
}

/** Makes a broker for an instance. */
export type CreateBroker = (receiver: Receiver) => Broker
