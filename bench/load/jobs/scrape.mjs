import { request } from 'node:http'
import { performance } from 'node:perf_hooks'
import { cpuMicroseconds } from '../../measure/process.mjs'
import { localAddress, subscribe } from '../subscribe.mjs'
import { failurePromise } from './failure.mjs'

const OPENING_AT_ONCE = 100

/** Milliseconds, and server CPU time in microseconds, of a scrape while `connections` subscribers have a channel each. */
export async function scrape ({ target, pids, connections, warmUp, scrapes }) {
  const { failure, failed } = failurePromise()
  await Promise.race([failure, openEach(target, connections, failed)])
  for (let count = 0; count < warmUp; count++) await metrics(target)
  const text = await metrics(target)
  for (const name of ['messenger_connections{transport="websocket"}', 'messenger_channels']) {
    if (!text.split('\n').includes(`${name} ${connections}`)) throw new Error(`${name} is not ${connections}`)
  }
  const cpu = cpuMicroseconds(pids)
  const ms = []
  for (let count = 0; count < scrapes; count++) {
    const from = performance.now()
    await metrics(target)
    ms.push(performance.now() - from)
  }
  return { ms, serverMs: (cpuMicroseconds(pids) - cpu) / scrapes / 1_000, bytes: text.length }
}

function openEach (target, connections, failed) {
  return new Promise((resolve) => {
    let [begun, ready] = [0, 0]
    const sink = {
      message () {},
      ready () {
        if (++ready === connections) resolve()
        else next()
      },
      closed (_subscriber, why) { failed(new Error(`a subscriber: ${why}`)) }
    }
    const next = () => {
      if (begun === connections) return
      const number = begun++
      subscribe(target, sink, { channel: `scrape-${number}`, localAddress: localAddress(number) })
    }
    for (let opening = 0; opening < OPENING_AT_ONCE; opening++) next()
  })
}

function metrics ({ port, token }) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` }
    request({ host: '127.0.0.1', port, path: '/-/metrics', headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part) => { text += part }).on('end', () => {
        if (response.statusCode === 200) resolve(text)
        else reject(new Error(`/-/metrics answers ${response.statusCode}`))
      })
    }).on('error', reject).end()
  })
}
