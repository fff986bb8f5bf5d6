// The measurements of every peer. `options` go to the load job; `timeoutMs` bounds one measurement.

// Beside the measurement itself: opening the subscribers, and a last round that a slow server may still have queued.
const AROUND_MS = 60_000
const PUBLISHERS = 32

const fanOut = (id, inFlight) => ({
  id,
  job: 'fanOut',
  title: ({ subscribers }) => `${subscribers.toLocaleString('en')} subscribers, 100-byte messages, ${inFlight} in flight`,
  options: ({ subscribers, warmUpMs, measureMs }) => ({ subscribers, inFlight, warmUpMs, measureMs }),
  timeoutMs: ({ warmUpMs, measureMs }) => warmUpMs + measureMs + AROUND_MS
})

export const cases = [
  fanOut('w1', 1),
  fanOut('w16', 16),
  {
    id: 'posts',
    job: 'posts',
    title: () => `Publishing to a channel without subscribers, ${PUBLISHERS} keep-alive connections`,
    options: ({ warmUpMs, measureMs }) => ({ inFlight: PUBLISHERS, warmUpMs, measureMs }),
    timeoutMs: ({ warmUpMs, measureMs }) => warmUpMs + measureMs + AROUND_MS,
    // The same server publishes the same way whatever transport its subscribers use.
    skip: ({ transport }) => transport === 'sse'
  },
  {
    id: 'memory',
    job: 'idleMemory',
    title: ({ connections }) => `Memory of ${connections.toLocaleString('en')} idle connections`,
    options: ({ connections, settleMs }) => ({ connections, settleMs }),
    timeoutMs: ({ settleMs }) => 6 * settleMs + AROUND_MS
  },
  {
    id: 'exact',
    job: 'exactness',
    title: ({ subscribers, messages }) => `Exactness: ${subscribers.toLocaleString('en')} subscribers × ${messages.toLocaleString('en')} messages, 16 in flight`,
    options: ({ subscribers, messages }) => ({ subscribers, messages, inFlight: 16 }),
    timeoutMs: ({ subscribers, messages }) => AROUND_MS + subscribers * messages / 10,
    // Right or wrong: nothing to take a median of.
    once: true
  }
]
