// Simulates what the main thread hands out: seeds in portions, one after the other.
import { parentPort } from 'node:worker_threads'
import { simulateAll } from './simulate.mjs'

// Errors are ordinary here, and their stacks cost more than all else about them; a single schedule that is repeated has them.
Error.stackTraceLimit = 0

parentPort.on('message', async ({ seed, count, stopAtFirst }) => {
  const violations = []
  const onViolation = (at, violation) => { violations.push({ seed: at, violation }) }
  const numbers = await simulateAll(seed, count, { stopAtFirst, onViolation })
  parentPort.postMessage({ violations, numbers })
})
