// A host application as a user of the package writes it. It prints what it saw for package.test.ts to judge.
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import messenger, { type MessengerOptions, type Publication } from 'fastify-messenger'
import { connectToChannel, type Meta } from 'fastify-messenger/client'
import { connectToChannel as connectShared, type Options } from 'fastify-messenger/client/shared'

interface Greeting { text: string }

const options: MessengerOptions = { prefix: '/rt', token: 'secret' }
const app = Fastify()
await app.register(messenger, options)
app.get('/occupied', () => [...app.channels])
await app.listen({ port: 0, host: '127.0.0.1' })
const { port } = app.server.address() as AddressInfo

// Globals of a browser that the client uses and that Node.js lacks, besides the WebSocket.
Object.assign(globalThis, { location: new URL(`http://127.0.0.1:${port}`), addEventListener () {} })
let onOpen = (): void => {}
let onMessage: (message: Greeting, meta: Meta) => void = () => {}
const opened = new Promise<void>((resolve) => { onOpen = resolve })
const received = new Promise<{ message: Greeting, meta: Meta }>((resolve) => {
  onMessage = (message, meta) => { resolve({ message, meta }) }
})
const disconnect: () => void = connectToChannel<Greeting>('room1', onMessage, { server: '/rt', onOpen })
await opened

const subscribers: number = app.channels.subscriberCount('room1')
const occupied = (await app.inject('/occupied')).json<string[]>()
const publication: Publication = await app.channels.publish('room1', { text: 'hello' })
console.log(JSON.stringify({ subscribers, occupied, publication, received: await received }))

disconnect()

// Where there are no other tabs, it does as the other.
const shared: Options = { server: '/rt', since: 'earliest', share: 'user-7' }
await new Promise<void>((resolve) => {
  const end = connectShared<Greeting>('room1', () => {
    end()
    resolve()
  }, shared)
})
await app.close()
