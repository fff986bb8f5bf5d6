import type { FastifyInstance } from 'fastify'

export interface Result {
  published: number
  received: number
  lost: number
  twice: number
  gaps: number
  tabs: number
  connections: number
  errors: string[]
}

export class Scenario {
  readonly takeovers: { kind: string, ms: number }[]
  constructor (app: FastifyInstance, seed: string)
  start (count: number, messagesPerSecond: number): Promise<void>
  fault (): Promise<void>
  settle (): Promise<Result>
  stop (): Promise<void>
}
