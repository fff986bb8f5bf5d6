// The same in CommonJS.
import client = require('fastify-messenger-client')
import react = require('fastify-messenger-client/react')
import shared = require('fastify-messenger-client/shared')

declare const process: { argv: string[] }
declare const console: { log: (text: string) => void }

const options: client.Options = { server: process.argv[2], since: 'earliest' }
let left = 2
for (const { connectToChannel } of [client, shared]) {
  const disconnect = connectToChannel<{ text: string }>('room1', ({ text }, { id }: client.Meta) => {
    disconnect()
    if (--left === 0) console.log(JSON.stringify({ text, id: typeof id, hook: typeof react.useChannel, global: 'connectToChannel' in globalThis }))
  }, options)
}
