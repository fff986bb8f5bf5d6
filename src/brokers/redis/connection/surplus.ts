import type { Redis } from 'ioredis'

/** What of a command the client touches when an answer comes. */
interface Answered {
  readonly name: string
  readonly args: readonly unknown[]
  resolve (answer: unknown): void
  reject (error: unknown): void
}

interface Queue {
  shift (): { command: Answered } | undefined
}

const NAME = 'surplus'

/**
 * Keeps an answer that no command waits for from ending the process. ioredis 6.0.0 tells of one with `reply.toString()`
 * (DataHandler.shiftCommand) and, where the answer is nil, throws in a turn of its own. Such an answer shows that those before it may
 * have gone to the wrong commands, so that the connection is made anew.
 */
export function guardQueue (client: Redis): void {
  // The client begins a queue with each connection; the property is private to TypeScript alone.
  const owner = client as unknown as { commandQueue: Queue }
  let queue = guarded(owner.commandQueue, client)
  Object.defineProperty(owner, 'commandQueue', {
    configurable: true,
    enumerable: true,
    get: () => queue,
    set: (next: Queue) => { queue = guarded(next, client) }
  })
}

function guarded (queue: Queue, client: Redis): Queue {
  const shift = queue.shift.bind(queue)
  let emptying = false
  let ended = false
  const surplus = (): void => {
    // Others may follow until the connection has ended.
    if (ended) return
    ended = true
    client.emit('error', new Error('an answer came that no command waits for'))
    client.disconnect(true)
  }
  const command: Answered = {
    name: NAME,
    args: [],
    resolve: surplus,
    reject: (error) => {
      // Set for an answer. A queue that is emptied because the connection is lost asks until there is nothing more.
      if ((error as { command?: { name?: string } }).command?.name === NAME) surplus()
      else emptying = true
    }
  }
  queue.shift = () => {
    const item = shift()
    if (item !== undefined) return item
    if (!emptying) return { command }
    emptying = false
    return undefined
  }
  return queue
}
