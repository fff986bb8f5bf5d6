import { once } from 'node:events'
import { lstatSync } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { connect } from 'node:net'

/** Removes the file of a unix socket that a killed process has left behind, but not one with a listener. */
export async function removeStaleSocket (path: string): Promise<void> {
  // Other files are refused by `listen`, and must not be removed.
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return
  const socket = connect(path)
  try {
    await once(socket, 'connect')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') await unlink(path)
  } finally {
    socket.destroy()
  }
}
