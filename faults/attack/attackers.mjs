// The process of the attackers: fires one attack after the other, in an order of its own, until the time is over.
import { attacks } from './attacks.mjs'

const [port, seconds, lanes] = process.argv.slice(2).map(Number)
const end = performance.now() + seconds * 1_000
const names = Object.keys(attacks)
const rounds = Object.fromEntries(names.map((name) => [name, 0]))

// As many side by side as there are lanes, each beginning somewhere else.
await Promise.all(Array.from({ length: lanes }, async (_, lane) => {
  for (let at = Math.floor(lane * names.length / lanes); performance.now() < end; at++) {
    const name = names[at % names.length]
    await attacks[name](port)
    rounds[name]++
  }
}))
process.send(rounds)
process.disconnect()
