/** Between two steps, in milliseconds: of frames, and of HTTP, where each is another request. */
const PAUSE_MS = { frames: [100, 1_200], events: [1_500, 6_000], lines: [1_500, 6_000] }

/** Steps of a subscriber of several channels, with their weights; these are taken by frames on a WebSocket. */
const FRAMES = {
  /** Gives up a channel and asks for another one. */
  swap: 30,
  give: 8,
  take: 16,
  /** Gives up a channel and asks for it from where it stands, without waiting for the answer. */
  again: 12,
  /** The same, from now on. */
  forget: 4,
  /** Sends another token. */
  refresh: 12,
  /** Sends one that does not cover all its channels. */
  narrow: 6,
  /** Sends one that is refused. */
  spoil: 4
}
/** Asks for a channel that it has. */
const REPLACING = { ...FRAMES, replace: 8 }
const REQUESTS = { swap: 60, give: 10, take: 15, refresh: 15 }

/** The next step of a subscriber, and the time until then. */
export function stepAfter (prng, transport, replaces) {
  const kind = prng.weighted(transport !== 'frames' ? REQUESTS : replaces ? REPLACING : FRAMES)
  return { kind, pauseMs: prng.integer(...PAUSE_MS[transport]) }
}
