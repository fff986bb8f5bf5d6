import type { Redis } from 'ioredis'

/** The parts of a command that the client touches when an answer arrives. */
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
 * Prevents a surplus answer from ending the process. ioredis 6.0.0 reports one with `reply.toString()`
 * (DataHandler.shiftCommand) and, where the answer is nil, throws outside of any handler. Earlier answers may then have gone to the
 * wrong commands, so that the connection is made again.
 */
export function guardQueue (client: Redis): void {
  // The client creates a queue for each connection; the property is private to TypeScript alone.
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
    client.emit('error', new Error('received an answer without a pending command'))
    client.disconnect(true)
  }
  const command: Answered = {
    name: NAME,
    args: [],
    resolve: surplus,
    reject: (error) => {
      // Set for an answer. A lost connection empties the queue by calling this until it returns nothing.
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
