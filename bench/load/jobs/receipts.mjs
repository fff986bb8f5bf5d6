import { get } from 'node:http'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { percentile } from '../../measure/statistics.mjs'
import { ask } from '../ask.mjs'
import { failurePromise } from './failure.mjs'

const CHANNEL = 'receipts'
const POLL_MS = 50
const MAX_POLLS = 200
const REST_MS = 100

/**
 * The answers to `runs` messages by `targets` in turn, and the measurements of their subscribers: `sockets` with frames,
 * of which some are deaf, and `streams`. Code is compiled by `warmUp` messages before.
 */
export async function receipts ({ targets, sockets, deaf, streams, warmUp, runs, waitSeconds }) {
  const { failure, failed } = failurePromise()
  let from = 0
  let measured = []
  const open = [
    ...Array.from({ length: sockets }, (_, number) => acknowledge(targets[number % targets.length], {
      isDeaf: number < deaf,
      onMessage () { measured.push(performance.now() - from) },
      failed
    })),
    ...Array.from({ length: streams }, (_, number) => listen(targets[number % targets.length], failed))
  ]
  await Promise.race([failure, Promise.all(open)])
  for (let poll = 0; ; poll++) {
    const { subscribers } = await publish(targets[poll % targets.length])
    if (subscribers === sockets + streams) break
    if (poll === MAX_POLLS) throw new Error(`${subscribers} of ${sockets + streams} subscribers are counted`)
    await sleep(POLL_MS)
  }
  const rows = []
  for (let run = -warmUp; run < runs; run++) {
    // Earlier messages have been acknowledged.
    await sleep(REST_MS)
    measured = []
    from = performance.now()
    const answer = publish(targets[Math.abs(run) % targets.length], waitSeconds)
    const { received, silent, unable, latencyMs } = await Promise.race([failure, answer])
    if (run < 0) continue
    rows.push({ received, silent, unable, ...latencyMs, measuredP50: percentile(measured, 0.5), measuredMax: Math.max(...measured) })
  }
  return { rows }
}

/** A subscriber that acknowledges each message once it has taken its time, unless it is deaf. */
function acknowledge ({ port }, { isDeaf, onMessage, failed }) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/${CHANNEL}?frames`, { perMessageDeflate: false })
  socket.on('error', failed).on('close', (code) => { failed(new Error(`a subscriber was closed with ${code}`)) })
  return new Promise((resolve) => {
    socket.on('message', (data) => {
      const { event, id, channel, receipt } = JSON.parse(data)
      if (event === 'subscribed') { resolve(); return }
      if (receipt !== true || isDeaf) return
      onMessage()
      socket.send(JSON.stringify({ ack: id, channel }))
    })
  })
}

function listen ({ port }, failed) {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path: `/${CHANNEL}`, headers: { accept: 'text/event-stream' }, agent: false }, (response) => {
      response.on('error', failed).once('data', resolve).resume()
    }).on('error', failed)
  })
}

async function publish (target, waitSeconds) {
  const prefer = waitSeconds === undefined ? {} : { prefer: `wait=${waitSeconds}` }
  return JSON.parse(await ask(target, `/send/${CHANNEL}`, {
    method: 'POST', headers: { 'content-type': 'application/json', ...prefer }, body: '{"message":1}'
  }))
}
