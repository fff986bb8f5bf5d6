/** The details of a {@link PublishError}. */
export interface PublishErrorDetails {
  readonly code: string
  readonly channel?: string | undefined
  readonly statusCode?: number | undefined
  readonly maybeDelivered?: boolean | undefined
  readonly cause?: unknown
}

/**
 * The error of a publish: one of the service, with its code (`MSG_ERR_…`, see the table of errors), or one of the publisher itself,
 * with one of {@link PublisherCode}.
 */
export class PublishError extends Error {
  override readonly name = 'PublishError'
  readonly code: string
  /** The channel of the message; `undefined` where no channel is concerned. */
  readonly channel: string | undefined
  /** The HTTP status of the last answer; `undefined` without one. */
  readonly statusCode: number | undefined
  /** Whether the message may have been delivered all the same: an attempt has ended without an answer that says otherwise. */
  readonly maybeDelivered: boolean

  constructor (message: string, { code, channel, statusCode, maybeDelivered = false, cause }: PublishErrorDetails) {
    super(message, cause === undefined ? {} : { cause })
    this.code = code
    this.channel = channel
    this.statusCode = statusCode
    this.maybeDelivered = maybeDelivered
  }
}

/** The codes of errors that the publisher itself makes. */
export const PublisherCode = {
  /** As many messages or bytes are pending as may be; nothing was sent. */
  FULL: 'MSG_ERR_PUBLISHER_FULL',
  /** `close()` was called before. */
  CLOSED: 'MSG_ERR_PUBLISHER_CLOSED',
  /** A signal was aborted; `cause` is its reason. */
  ABORTED: 'MSG_ERR_PUBLISH_ABORTED',
  /** No answer has confirmed or refused the message within the time for repetitions; `cause` is the last failure. */
  UNCONFIRMED: 'MSG_ERR_PUBLISH_UNCONFIRMED',
  /** An option of a publish has a value that its rule does not allow; nothing was sent. */
  OPTION: 'MSG_ERR_PUBLISH_OPTION_INVALID',
  /** An answer that is final and not one of the service, such as a 404 of a proxy. */
  REFUSED: 'MSG_ERR_PUBLISH_REFUSED',
  /** An attempt failed, and is repeated: the service could not be reached, or what answered is not the service. */
  UNREACHABLE: 'MSG_ERR_PUBLISHER_UNREACHABLE'
} as const
