import { bun } from './bun.mjs'
import { nchanSse, nchanWebSocket } from './nchan.mjs'
import { baseline, socketIo } from './node-peers.mjs'
import { services } from './service.mjs'

export { baseline }

/** All that is measured, in the order of the tables. */
export const peers = [baseline, ...services, socketIo, nchanWebSocket, nchanSse, bun]

/** The peers of the given ids, or all; those that cannot run here with the reason why. */
export function availablePeers (ids) {
  const unknown = ids?.find((id) => !peers.some((peer) => peer.id === id))
  if (unknown !== undefined) throw new Error(`no such peer: ${unknown}; there are ${peers.map(({ id }) => id).join(', ')}`)
  const wanted = peers.filter(({ id }) => ids === undefined || ids.includes(id))
  return wanted.map((peer) => ({ peer, skipped: peer.missing?.() }))
}
