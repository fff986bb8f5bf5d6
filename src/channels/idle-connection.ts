import { Close } from '../wire/close.js'
import type { Connection } from './connection.js'

/** Milliseconds for which a connection stays without a channel. */
const IDLE_MS = 30_000

/** Returns a function that is to be called whenever a connection has lost its last channel, and closes it unless it gets another one. */
export function closeWhenIdle (): (connection: Connection) => void {
  let timer: NodeJS.Timeout | undefined
  return (connection) => {
    clearTimeout(timer)
    timer = setTimeout(() => { if (connection.size === 0) connection.carrier.close(Close.GOING_AWAY, 'idle') }, IDLE_MS).unref()
  }
}
