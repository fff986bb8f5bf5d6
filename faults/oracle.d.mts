/** Types of the part of `oracle.mjs` that `test/faults/oracle.test.ts` uses. */
export interface Violation {
  kind: string
  at: number
  channel?: string
  subscriber?: string
  text: string
  excerpt?: string[]
}

export interface History {
  isTold: boolean
  isForgetful: boolean
  mayLeave: boolean
  note (text: string): void
  gap (reason: string, id?: string): void
  position (id: string): void
}

export interface Numbers {
  acknowledged: number
  republished: number
  dataLosses: number
  deliveries: number
  duplicated: number
  lost: number
  gaps: Record<string, number>
  needlessGaps: number
  carried: number
  returns: number
  missedWithGap: number
  vanished: number
}

export class Oracle {
  constructor (now?: () => number)
  violations: Violation[]
  subscribe (name: string, channel: string): History
  deliver (history: History, id: string, key: string | undefined): void
  acknowledge (channel: string, id: string, key: string, by?: { vanished: boolean }): void
  loseData (): void
  excuseGaps (): void
  isComplete (history: History): boolean
  mark (channel: string, id: string): void
  report (violation: { kind: string, text: string }): void
  conclude (): Numbers
}
