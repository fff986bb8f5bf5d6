/** Receives one frame of text; an empty one only says that the connection is alive. */
export type OnFrame = (text: string) => void

/** Learns that the connection is over, or was never made. Only the first call counts. */
export type OnEnd = (code: number, reason: string) => void

/** Opens one connection and returns the function that drops it. */
export type Transport = (url: string, token: string | undefined, onFrame: OnFrame, onEnd: OnEnd) => () => void
