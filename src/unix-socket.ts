import { once } from 'node:events'
import { lstatSync } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { connect } from 'node:net'

/** Removes the file of a unix socket that a process which was killed left behind. One that somebody listens on stays. */
export async function removeStaleSocket (path: string): Promise<void> {
  // Another file is refused in the same way, and is not ours to remove.
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
