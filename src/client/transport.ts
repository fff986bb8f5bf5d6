/** Receives one frame of text; an empty one only says that the connection is alive. */
export type OnFrame = (text: string) => void

/**
 * Called when the connection is over, or was never made; only the first call counts. `floor`: milliseconds for which the other
 * side does not want to be asked again.
 */
export type OnEnd = (code: number, reason: string, floor?: number) => void

/**
 * Opens one connection, which the signal drops. May throw.
 * `address()` is the channel's URL with the position of the moment, to which further parameters can be added.
 */
export type Transport = (address: () => string, token: string | undefined, signal: AbortSignal, onFrame: OnFrame, onEnd: OnEnd) => void

/** What a reason begins with that comes from this service and not from something between. */
export const OURS = /^MSG_ERR_|^retry=/
