import { Agent, request } from 'node:http'
import { performance } from 'node:perf_hooks'
import { cpuMicroseconds } from '../../measure/process.mjs'
import { coreSeconds } from '../../measure/cores.mjs'
import { messageText } from '../message.mjs'
import { subscribeAll } from '../subscribe.mjs'
import { failurePromise } from './failure.mjs'

const CONNECTIONS = 32
const BURSTS = 10

/**
 * Server CPU time of a message to a channel with one subscriber, `channels` channels a round: published by `createPublisher` of the
 * module `publisher`, all in one tick, or each by a POST of its own. The ways alternate, so that both meet the same machine.
 */
export async function publisher ({ target, pids, publisher, channels, warmUpRounds, rounds }) {
  const { createPublisher } = await import(publisher)
  const { failure, failed } = failurePromise()
  const counter = await subscribeEach(target, channels, failed)
  const batches = createPublisher({ server: `http://127.0.0.1:${target.port}`, token: target.token })
  const messages = Array.from({ length: channels }, (_, index) => JSON.parse(messageText(index)))
  const singles = singlePosts(target, messages, failed)
  const ways = {
    publisher: () => Promise.all(messages.map((message, index) => batches.publish(`publish-${index}`, message))),
    posts: () => singles.publishAll()
  }
  const totals = Object.fromEntries(Object.keys(ways).map((name) => [name, { messages: 0, server: 0, load: 0, ms: 0 }]))
  const from = { cores: sum(coreSeconds()), at: performance.now() }
  for (let round = -warmUpRounds; round < rounds; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const [server, load, at] = [cpuMicroseconds(pids), process.cpuUsage(), performance.now()]
      // The clock of a process's CPU time ticks 100 times a second: several bursts between two looks.
      for (let burst = 0; burst < BURSTS; burst++) {
        const arrived = counter.next(channels)
        await Promise.race([failure, Promise.all([way(), arrived])])
      }
      if (round < 0) continue
      const { user, system } = process.cpuUsage(load)
      const total = totals[name]
      total.messages += BURSTS * channels
      total.server += cpuMicroseconds(pids) - server
      total.load += user + system
      total.ms += performance.now() - at
    }
  }
  await batches.close()
  singles.close()
  const busy = Object.values(totals).reduce((all, { server, load }) => all + server + load, 0) / 1e6
  return {
    ways: Object.fromEntries(Object.entries(totals).map(([name, { messages, server, load, ms }]) =>
      [name, { messages, serverPerMessage: server / messages, loadPerMessage: load / messages, perSecond: messages * 1_000 / ms }])),
    foreign: Math.max(0, sum(coreSeconds()) - from.cores - busy) * 1_000 / (performance.now() - from.at)
  }
}

/** One subscriber of each channel; `next(count)` resolves when so many messages have come. */
async function subscribeEach (target, channels, failed) {
  let [missing, done] = [0, () => {}]
  const message = () => { if (--missing === 0) done() }
  await subscribeAll(target, channels, (number) => `publish-${number}`, { message, failed })
  return {
    next (count) {
      missing += count
      return new Promise((resolve) => { done = resolve })
    }
  }
}

/** Publishes one message to each channel by requests of their own, over keep-alive connections. */
function singlePosts (target, messages, failed) {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, noDelay: true })
  const headers = { authorization: `Bearer ${target.token}`, 'content-type': 'application/json' }
  const publish = (message, index) => new Promise((resolve) => {
    request({ agent, host: '127.0.0.1', port: target.port, method: 'POST', path: `/send/publish-${index}`, headers }, (response) => {
      response.resume().on('end', resolve)
      if (response.statusCode !== 200) failed(new Error(`a post was answered with ${response.statusCode}`))
    }).on('error', failed).end(JSON.stringify({ message }))
  })
  return {
    publishAll: () => Promise.all(messages.map(publish)),
    close () { agent.destroy() }
  }
}

function sum (values) {
  return values.reduce((total, value) => total + value, 0)
}
