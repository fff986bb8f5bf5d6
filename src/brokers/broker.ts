import type { GapReason } from '../wire/events.js'
import type { Position } from '../wire/id.js'

/** One message of a channel's log. */
export interface LogEntry extends Position {
  /** The message as JSON text on one line. */
  readonly message: string
  /**
   * Milliseconds since 1970 at which the broker took the message, the same for every reader. Times do not order messages. Absent where
   * an instance of an earlier version has published it.
   */
  readonly time?: number | undefined
  /** Where its publisher waits for receipts: the reference of the wait. For live delivery alone; replays do not ask for receipts. */
  readonly receipt?: string | undefined
}

/** The start of a read: after a position, at the oldest kept message, or at the next new one. */
export type Since = Position | 'earliest' | 'now'

/** A stretch of a channel's log. */
export interface Replay {
  /** The log that was read. It may differ from the epoch of the position: the log then continues under this name. */
  readonly epoch: string
  /** The offset before the first of `entries`. */
  readonly after: number
  /** The offset of the last message of the log, kept or not; 0 while it is empty. */
  readonly head: number
  /** Set when the requested position was not available; `entries` are then all kept messages. */
  readonly reason?: GapReason
  /** In order and without holes, from `after + 1` on; ends before `head` only where `limit` cut it. */
  readonly entries: readonly LogEntry[]
}

/** The answer to a publisher once its message is in the log. */
export interface Published extends Position {
  /** Subscribers of the channel at that moment, on all instances. */
  readonly subscribers: number
  /** Set when the idempotency key was known and nothing was published again. */
  readonly duplicate?: true
}

/** Conditions of a single `publish`. */
export interface PublishOptions {
  /** 1–255 printable ASCII characters: the same key for the same channel is published once within 5 minutes. */
  readonly idempotencyKey?: string | undefined
  /** Reference of the wait for receipts, to be passed to `deliver` of every instance with the message. */
  readonly receipt?: string | undefined
}

/** The receipts of a message on one instance. */
export interface ReceiptReport {
  /** Subscriptions that can acknowledge, at the hand-over. */
  readonly counted: number
  /** All other subscriptions at the hand-over. */
  readonly unable: number
  /** Those of `counted` that may still acknowledge. */
  readonly open: number
  /** Milliseconds from the arrival of the message on the instance to the report. */
  readonly elapsedMs: number
  /** Milliseconds from the arrival of the message to each acknowledgement since the last report. */
  readonly latenciesMs: readonly number[]
}

/** The exchange of receipts between the instances of a broker. A message between instances may be lost. */
export interface ReceiptExchange {
  /** The id of this instance. */
  readonly instance: string
  /** Resolves when reports can arrive, or cannot for now; `undefined` where they can already. */
  open (): Promise<void> | undefined
  /**
   * Asks the other instances for their reports on a message that is published. Resolves with the number of instances that the request
   * has reached; `undefined` where that is unknown: then all {@link others} are to report.
   */
  ask (receipt: string, channel: string, position: Position): Promise<number | undefined>
  /** The other instances as they are known here, each with its last known number of subscribers of a channel. */
  others (channel: string): ReadonlyMap<string, number>
  /** Sends a report to the instance that waits. */
  report (receipt: string, report: ReceiptReport): void
}

/** Members of a channel up to which they are listed and their changes are published. Above it only their number is known. */
export const MAX_MEMBERS = 1_000
/** Milliseconds from the end of a member's last connection to its leave, within which a return cancels it. */
export const LEAVE_MS = 10_000

/** A member of a channel: the subject of the grant of at least one of its subscribers. */
export interface Member {
  readonly sub: string
  /** Its subscriptions of the channel on all instances; 0 for at most {@link LEAVE_MS} before it leaves. */
  readonly connections: number
}

/** The members of a channel on all instances. */
export interface MemberList {
  readonly count: number
  /** In the order of their names; `undefined` where there are more than {@link MAX_MEMBERS}. */
  readonly members: readonly Member[] | undefined
}

/** The event of a member that has joined or left a channel. */
export interface MemberChange {
  readonly channel: string
  readonly sub: string
  readonly joined: boolean
}

/** The connections of each member of a channel on this instance. */
export type Roster = ReadonlyMap<string, { readonly connections: number }>

/** The part of an instance in the members of channels. */
export interface MemberReceiver {
  /** The members of a channel on this instance. */
  roster (channel: string): Roster
  /** The channels that have members on this instance. */
  rosters (): Iterable<[channel: string, roster: Roster]>
  /** Called on one of the instances when a member has joined or left on all of them. */
  memberChanged (change: MemberChange): void
}

/**
 * The members of channels on all instances. A member joins with its first connection and leaves {@link LEAVE_MS} after its last one
 * went, or when its instance is dead. Each change is one message of the companion channel, `{"join":"<sub>"}` or `{"leave":"<sub>"}`, in
 * one atomic step with the list: the messages up to a position amount to the list at that position.
 */
export interface MemberBook {
  /** To be called when the connections of a member on this instance have changed. Never throws. */
  changed (channel: string, sub: string): void
  /** Rejects with MSG_ERR_ENGINE_UNAVAILABLE while the engine is away. */
  read (channel: string): Promise<MemberList>
}

/** The interface of an instance towards its broker. */
export interface Receiver {
  /** Takes a message of a channel that the instance listens to. A broker calls it in the order of the offsets. */
  deliver (channel: string, entry: LogEntry): void
  /**
   * The next message passed to `deliver` follows this position. Called before `listen` resolves, and again when the log continues under
   * another epoch or messages were not delivered: each subscriber then has to continue reading from its own position.
   */
  moved (channel: string, position: Position): void
  /** Subscribers of the channel on this instance. */
  count (channel: string): number
  /** Names of the channels that have subscribers on this instance. */
  occupied (): Iterable<string>
  /** Called with each announcement, this instance's own included; possibly several times with the same one. */
  announced (text: string): void
  /** Called when another instance asks for the receipts of a message that it has published. */
  receiptAsked? (receipt: string, channel: string, position: Position): void
  /** Takes a report of another instance on a message that this one has published. */
  receiptReported? (receipt: string, instance: string, report: ReceiptReport): void
  /** Absent where no channel has members. */
  readonly members?: MemberReceiver | undefined
  /** Called when the status of the engine, or the reason for it, has changed. */
  statusChanged? (status: BrokerStatus): void
  /** Takes a line for the log. */
  log? (level: 'warn' | 'error', text: string): void
}

/** Whether messages can be published and read. */
export interface BrokerStatus {
  readonly ready: boolean
  /** Error text of the engine, for the log; empty while it is ready. */
  readonly reason: string
  /** The public form of the reason: the engine and a code, without names and addresses. */
  readonly code: string
  /** Whether something fails; otherwise the engine is starting. */
  readonly failing: boolean
}

/** The status of an engine that cannot fail, and of one that was closed. */
export const READY_STATUS: BrokerStatus = { ready: true, reason: '', code: '', failing: false }
export const CLOSED_STATUS: BrokerStatus = { ready: false, reason: 'closed', code: 'closed', failing: false }

/**
 * Storage of the logs, and delivery of published messages to every instance. Implementations
 * - MUST give each message of a channel the next offset of its log and its time, and append and number it in one atomic step;
 * - MUST resolve `publish` only when the message can be read, and MUST have passed it to `deliver` of every listening
 *   instance, the publisher's own included, or pass it later, in order;
 * - MUST NOT use an epoch and offset for two messages of one channel;
 * - MUST resume from a position of an earlier epoch without a `reason` only where no acknowledged message is lost to its reader;
 * - MUST NOT lose the log of a channel that an instance listens to: its messages may be trimmed, its epoch and offset not;
 * - MUST deliver an announcement for which `announce` resolved to every instance, those that start later included, until it expires,
 *   and MUST be `ready` on an instance only when it has all kept announcements;
 * - MUST reject, not throw, and MUST NOT deliver a rejected message;
 * - MUST reject with MSG_ERR_ENGINE_UNAVAILABLE, and soon, while the engine is away: the instance keeps the subscribers that it could
 *   not serve and retries once `ready`. A channel of a rejected `listen` MUST then be delivered, too.
 */
export interface Broker {
  readonly status: BrokerStatus
  /** Whether messages can be published and read. */
  readonly ready: boolean
  /** Memory of the messages that are kept in this process; absent where they are elsewhere. */
  readonly bytes?: number
  /** Resolves when the broker is ready for the first time. */
  readonly started: Promise<void>
  /** Appends a message and starts its delivery. */
  publish (channel: string, message: string, options?: PublishOptions): Promise<Published>
  /**
   * Reads the log of a channel, at most `limit` messages. A channel without a log has an empty one. Where the instance listens, `moved`
   * was called with the epoch of the answer, or is called with a later one.
   */
  read (channel: string, since: Since, limit?: number): Promise<Replay>
  /**
   * Starts delivery of a channel: each message appended after it resolved is delivered. When it rejects it may be called
   * again, and `unlisten` still ends the delivery. Where that was called before, an attempt in progress is not repeated.
   */
  listen (channel: string): Promise<void>
  /** Ends the delivery of a channel. */
  unlisten (channel: string): void
  /** Subscribers of a channel on all instances. */
  count (channel: string): number
  /** Names of the channels that have subscribers on any instance. */
  occupied (): Iterable<string>
  readonly members: MemberBook
  /** Called when the number of subscribers of the channel on this instance has changed. */
  membershipChanged (channel: string): void
  /** Delivers an announcement to every instance and keeps it until a time (milliseconds since 1970). */
  announce (text: string, until: number): Promise<void>
  /** Absent where there is no other instance. */
  readonly receipts?: ReceiptExchange
  /** Releases every resource. Later calls of `publish` reject. */
  close (): Promise<void>
}

/** Creates the broker of an instance. */
export type CreateBroker = (receiver: Receiver) => Broker
