/** Types of the part of `register.mjs` that `test/faults/register.test.ts` uses. */
export interface Life {
  vanished: boolean
}

export class Register {
  constructor (now: () => number)
  begin (name: string): Life
  ready (name: string): void
  end (name: string): void
  lose (from: number): void
  compare (name: string): void
  lifeOf (name: string): Life | undefined
}
