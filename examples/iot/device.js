// A device: measures, and publishes over HTTP with a key of its own. `node device.js <server> <id> <key>` runs one.
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { createPublisher } from 'fastify-messenger/publisher'

const PERIOD_MS = 1_000

/** Publishes until the service refuses the key; resolves with the reason. Failures that pass are repeated by the publisher. */
export async function runDevice ({ server, id, key, usual = 21, signal }) {
  const publisher = createPublisher({ server, token: key, retryForMs: 60_000, maxPending: 60, signal })
  let temperature = usual
  try {
    for (let battery = 100; ; battery = Math.max(battery - 0.01, 0)) {
      temperature += (usual - temperature) * 0.1 + (Math.random() - 0.5) * 0.6
      const humidity = Math.round(58 - (temperature - usual) * 4)
      await publisher.publish(`sensor:${id}`, { temperature: Number(temperature.toFixed(1)), humidity, battery: Math.round(battery) })
      await delay(PERIOD_MS, undefined, { signal })
    }
  } catch (error) {
    return error.code
  } finally {
    await publisher.close()
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [server, id, key] = process.argv.slice(2)
  console.log(`${id}: ${await runDevice({ server, id, key })}`)
}
