import { ClosedLoops } from './closed-loops.mjs'
import { failurePromise } from './failure.mjs'
import { measureWindow } from './window.mjs'

/** How many messages a second the server accepts for a channel that nobody is subscribed to, and the CPU time of one. */
export async function posts ({ target, pids, inFlight, warmUpMs, measureMs }) {
  const { failure, failed } = failurePromise()
  const loops = new ClosedLoops([target], 'nobody', { inFlight, receivers: 0, failed })
  const finished = loops.run()
  const window = await Promise.race([failure, measureWindow({ pids, warmUpMs, measureMs, count: () => loops.published })])
  loops.stop()
  await Promise.race([failure, finished])
  return window
}
