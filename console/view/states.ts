import type { State } from '../../src/client/index.js'

export const STATES: Record<State, string> = { connecting: 'Connecting', open: 'Live', waiting: 'Reconnecting', closed: 'Stopped' }

/** The state of several channels: the worst, but those that are refused only where no other is left. */
export function stateOf (states: readonly State[]): State {
  const alive = states.filter((state) => state !== 'closed')
  if (alive.length === 0) return states.length === 0 ? 'connecting' : 'closed'
  return alive.includes('waiting') ? 'waiting' : alive.includes('connecting') ? 'connecting' : 'open'
}
