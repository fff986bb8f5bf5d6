import type { History, Violation } from './oracle.mjs'

/** Types of the part of `seat.mjs` that `test/faults/seat.test.ts` uses. */
export class Seat {
  constructor (channel: string, history: History, watcher: { report: (violation: Violation) => void, now: () => number })
  readonly history: History
  cursor: string | undefined
  readonly state: string
  readonly since: string
  start: string
  expectAnswer (withinMs: number): void
  drop (): void
  ask (): void
  leave (): void
  subscribed (event: { id: string, recovered: boolean, reason?: string }): void
  takes (id: string): boolean
  unsubscribed (): void
  refused (): boolean
}

export function remedyOf (close: number): 'again' | 'token' | 'none'
