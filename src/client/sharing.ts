import type { Member } from './subscription.js'

/** Adds a subscription to a connection, unless it has no room, or is not for it or not for this batch. */
export type Add = (member: Member, batch: number) => boolean

export const connections = new Set<Add>()

/** Adds the subscription to a connection that takes it; false where there is none. */
export const share: Add = (member, batch) => [...connections].some((add) => add(member, batch))
