// Attacks the service for a time while honest clients use it, and compares their observations, and the remaining resources, with bounds.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startHonest } from './honest.mjs'
import { startService } from './service.mjs'

const ATTACKERS = fileURLToPath(new URL('attackers.mjs', import.meta.url))
const SAMPLE_MS = 200

async function fire (port, seconds, lanes) {
  const child = fork(ATTACKERS, [port, seconds, lanes])
  const rounds = once(child, 'message')
  const [code] = await Promise.race([once(child, 'exit'), delay((seconds + 120) * 1_000, ['late'], { ref: false })])
  child.kill('SIGKILL')
  if (code !== 0) throw new Error(`the attackers ended with ${code}`)
  return (await rounds)[0]
}

/** Runs the attack; resolves with the observations. */
export async function attack ({ seconds, heapMb, lanes, subscribers, restSeconds, warmUpSeconds }) {
  const service = await startService(heapMb)
  const honest = await startHonest(service.port, subscribers)
  try {
    // Brings the process to its steady state: code compiled, history full.
    await fire(service.port, warmUpSeconds, lanes)
    await delay(restSeconds * 1_000)
    const before = { rssMb: service.rssMb(), descriptors: service.descriptors(), connections: (await service.limits()).connections }
    let peakMb = 0
    const sampling = setInterval(() => { peakMb = Math.max(peakMb, service.rssMb() || 0) }, SAMPLE_MS)
    const rounds = await fire(service.port, seconds, lanes)
    await delay(restSeconds * 1_000)
    clearInterval(sampling)
    const { connections, hits } = await service.limits()
    const after = { rssMb: service.rssMb(), descriptors: service.descriptors(), connections }
    return { before, after, peakMb, rounds, hits, honest: await honest.stop(), exit: service.exit }
  } catch (error) {
    return { error, exit: service.exit, log: service.log }
  } finally {
    await service.stop()
  }
}

/** The observations that exceed their bounds, one text each. */
export function faultsOf ({ error, exit, log, before, after, peakMb, honest }, { maxRssMb, maxP99Ms, growth }) {
  if (error !== undefined || exit !== undefined) return [`the service ended or did not answer: ${exit ?? ''} ${error?.stack ?? ''} ${log ?? ''}`]
  return [
    peakMb > maxRssMb && `RSS was up to ${peakMb.toFixed()} MiB, more than ${maxRssMb}`,
    after.rssMb > before.rssMb * growth && `RSS is ${after.rssMb.toFixed()} MiB where it was ${before.rssMb.toFixed()}`,
    after.descriptors > before.descriptors + 2 && `${after.descriptors} descriptors where there were ${before.descriptors}`,
    after.connections !== before.connections && `${after.connections} places are taken where there were ${before.connections}`,
    honest.p99 > maxP99Ms && `an honest publisher waited ${honest.p99.toFixed()} ms (p99), more than ${maxP99Ms}`,
    honest.failures.length > 0 && `${honest.failures.length} honest messages were refused: ${[...new Set(honest.failures)].join(', ')}`,
    honest.lost > 0 && `${honest.lost} messages did not reach an honest subscriber`,
    honest.closed > 0 && `${honest.closed} honest subscribers lost their connection`
  ].filter(Boolean)
}
